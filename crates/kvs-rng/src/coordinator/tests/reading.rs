//! Whom reads ask, and how long they take.

use kvs_core::{Consistency, Outcome, Ready};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_slow_replica_is_not_waited_for() {
    let cluster = Cluster::new(3, "3,2,2").await;
    put(&cluster.rings[0], "a", "1").await.unwrap();
    cluster.settled(&Key::from("a")).await;
    let first = cluster.replicas("a").into_iter().find(|n| *n != 0).unwrap();
    for link in [Link::Slow(Duration::from_secs(2)), Link::Silent, Link::LosesAnswers] {
        cluster.link(0, first, link);
        let start = Instant::now();
        assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("1"));
        assert_eq!(start.elapsed(), HEDGE_DELAY, "{link:?}");
    }
    // A failure that is told is no reason to wait.
    cluster.link(0, first, Link::Cut);
    let start = Instant::now();
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("1"));
    assert_eq!(start.elapsed(), Duration::ZERO);
    // Nor is one that was known before.
    cluster.link(0, first, Link::Silent);
    cluster.gossip_down(first);
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("1"));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn eventual_reads_ask_one() {
    let cluster = Cluster::new(3, "3,2,2").await;
    put(&cluster.rings[0], "a", "1").await.unwrap();
    cluster.settled(&Key::from("a")).await;
    cluster.isolate(0, Link::Cut);
    let key = Key::from("a");
    let error = cluster.rings[0].get(&key).await.unwrap_err();
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
    let eventual = options().consistency(Consistency::Eventual);
    let read = cluster.rings[0].get_with(&key, &eventual).await.unwrap();
    assert_eq!(read.as_deref(), Some(&b"1"[..]));
}

#[tokio::test(start_paused = true)]
async fn absence_is_an_answer() {
    let cluster = Cluster::new(5, "3,2,2").await;
    let start = Instant::now();
    for ring in &cluster.rings {
        assert_eq!(get(ring, "nothing").await, None);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_state_follows_who_is_up() {
    let cluster = Cluster::new(3, "3,3,1").await;
    let node = cluster.coordinator(0);
    assert_eq!(node.state(), RingState::Effective);
    cluster.rings[0].ready().await.unwrap();
    cluster.gossip_down(1);
    assert_eq!(node.state(), RingState::ReadOnly);
    let error = cluster.rings[0].ready().await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("for writes"), "{error}");

    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.gossip_down(1);
    assert_eq!(cluster.coordinator(0).state(), RingState::Effective);
    cluster.gossip_down(2);
    assert_eq!(cluster.coordinator(0).state(), RingState::Unsatisfied);
}

/// A replica that may have forgotten something is not asked, and does not mint.
#[tokio::test(start_paused = true)]
async fn a_recovering_replica_counts_for_nothing() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    cluster.start(2, Some("one run")).await;
    cluster.rings[2] = cluster.start(2, Some("another run")).await;
    for ring in cluster.rings.clone() {
        for n in 0..8 {
            let key = format!("key {n}");
            put(&ring, &key, "1").await.unwrap();
            assert_eq!(get(&ring, &key).await.as_deref(), Some("1"));
        }
    }
    let versions = cluster.held(0, &Key::from("key 0")).await;
    assert_eq!(versions.context().counter(cluster.ids[2]), 0);

    // With another one away there is no quorum.
    cluster.isolate(1, Link::Cut);
    assert!(cluster.rings[0].get(&Key::from("key 0")).await.is_err());
    for bucket in 0..16 {
        cluster.coordinator(2).replica().recovered(crate::hash::Bucket(bucket));
    }
    assert_eq!(get(&cluster.rings[0], "key 0").await.as_deref(), Some("1"));
}

/// A node whose own replica can't mint, or can't answer, does what it can with the others.
#[tokio::test(start_paused = true)]
async fn a_node_whose_replica_is_closed_goes_on_with_the_others() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.coordinator(0).replica().close().await.unwrap();
    put(&cluster.rings[0], "a", "1").await.unwrap();
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("1"));
    assert!(cluster.held(1, &Key::from("a")).await == cluster.held(2, &Key::from("a")).await);
    cluster.isolate(1, Link::Cut);
    let error = put(&cluster.rings[0], "a", "2").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}
