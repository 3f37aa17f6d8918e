//! Outcomes of writes.

use kvs_core::{Batch, DbaError, Outcome, Scan};

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_is_read_under_any_single_cut() {
    for links in [Link::Cut, Link::Silent, Link::LosesAnswers] {
        let cluster = Cluster::new(3, "3,2,2").await;
        let mut n = 0;
        for away in 0..3 {
            for writer in (0..3).filter(|writer| *writer != away) {
                for away_later in 0..3 {
                    for reader in (0..3).filter(|reader| *reader != away_later) {
                        n += 1;
                        let (key, value) = (format!("key {n}"), n.to_string());
                        cluster.isolate(away, links);
                        put(&cluster.rings[writer], &key, &value).await.unwrap();
                        cluster.heal();
                        cluster.isolate(away_later, links);
                        let read = get(&cluster.rings[reader], &key).await;
                        assert_eq!(read, Some(value), "{away} {writer} {away_later} {reader}");
                        cluster.heal();
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_wins_over_what_was_acknowledged_before_it_whatever_the_clocks_say() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    // The clock of node 0 is half a minute ahead.
    let (ahead, _) = Env::manual(NOW_MS + 30_000, 2);
    cluster.stamps = Arc::new(HybridClock::new(&ahead, AHEAD_MAX));
    cluster.rings[0] = cluster.start(0, None).await;
    for n in 0..20 {
        let key = format!("key {n}");
        // Node 2 misses the first put, and mints the second.
        cluster.link(0, 2, Link::Cut);
        put(&cluster.rings[0], &key, "first").await.unwrap();
        put(&cluster.rings[2], &key, "second").await.unwrap();
        assert_eq!(get(&cluster.rings[2], &key).await.as_deref(), Some("second"));
        cluster.heal();
        for ring in &cluster.rings {
            assert_eq!(get(ring, &key).await.as_deref(), Some("second"));
        }
        assert_eq!(cluster.settled(&Key::from(&*key)).await.siblings().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_never_returns() {
    let cluster = Cluster::new(3, "3,2,2").await;
    for away in 0..3 {
        for away_later in 0..3 {
            let key = format!("key {away} {away_later}");
            put(&cluster.rings[0], &key, "old").await.unwrap();
            cluster.settled(&Key::from(&*key)).await;
            cluster.isolate(away, Link::Cut);
            cluster.rings[(away + 1) % 3].delete(&Key::from(&*key)).await.unwrap();
            cluster.heal();
            cluster.isolate(away_later, Link::Cut);
            for reader in (0..3).filter(|reader| *reader != away_later) {
                assert_eq!(get(&cluster.rings[reader], &key).await, None, "{key} {reader}");
            }
            cluster.heal();
            for ring in &cluster.rings {
                assert_eq!(get(ring, &key).await, None);
            }
            assert!(cluster.settled(&Key::from(&*key)).await.is_deleted());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_in_sight_nothing_is_applied() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(0, Link::Cut);
    cluster.gossip_down(1);
    cluster.gossip_down(2);
    let error = put(&cluster.rings[0], "a", "lost").await.unwrap_err();
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true), "{error}");
    let DbaError::Quorum { needed, answered, failed, .. } = &error else { panic!("{error}") };
    assert_eq!((*needed, answered), (2, &vec![cluster.ids[0].to_string()]));
    assert!(failed.len() == 2 && failed.iter().all(|it| it.contains("the link is cut")), "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");

    cluster.heal();
    sleep(PATIENCE).await;
    for ring in &cluster.rings {
        assert_eq!(get(ring, "a").await, None);
    }
    for n in 0..3 {
        assert!(cluster.coordinator(n).replica().is_empty().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn gossip_that_is_wrong_stops_nobody() {
    let cluster = Cluster::new(3, "3,2,2").await;
    (0..3).for_each(|n| cluster.gossip_down(n));
    put(&cluster.rings[0], "a", "1").await.unwrap();
    assert_eq!(get(&cluster.rings[1], "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn it_is_told_at_once_when_a_quorum_is_impossible() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(0, Link::Cut);
    let start = Instant::now();
    let error = put(&cluster.rings[0], "a", "1").await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains(&cluster.ids[0].to_string()), "{error}");
    assert!(get_error(&cluster.rings[0], "a").await.contains("2 replicas had to answer"));
    assert_eq!(start.elapsed(), Duration::ZERO);

    // What was minted is brought to the others later.
    cluster.heal();
    let _replaying = cluster.coordinator(0).replaying();
    cluster.settled(&Key::from("a")).await;
    assert_eq!(get(&cluster.rings[1], "a").await.as_deref(), Some("1"));
}

async fn get_error(ring: &Ring, key: &str) -> String {
    ring.get(&Key::from(key)).await.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn silence_is_unknown_after_the_deadline() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(0, Link::Silent);
    for (options, expected) in [
        (options(), GATHER_TIMEOUT),
        (options().deadline(Duration::from_millis(70)), Duration::from_millis(70)),
    ] {
        let start = Instant::now();
        let write = cluster.rings[0].put_with(&Key::from("a"), b"1".into(), &options).await;
        let error = write.unwrap_err();
        assert_eq!(start.elapsed(), expected);
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        let DbaError::Quorum { failed, .. } = &error else { panic!("{error}") };
        assert_eq!(failed.len(), 2, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_no_replica_forwards() {
    let cluster = Cluster::new(5, "3,2,2").await;
    let stranger = cluster.stranger("a");
    put(&cluster.rings[stranger], "a", "1").await.unwrap();
    assert_eq!(cluster.calls(message::WRITE), 1);
    let versions = cluster.settled(&Key::from("a")).await;
    assert_eq!(versions.siblings()[0].dot.node, cluster.ids[cluster.replicas("a")[0]]);
    assert!(cluster.coordinator(stranger).replica().is_empty().await.unwrap());

    // The first can't be reached: the next mints.
    cluster.link(stranger, cluster.replicas("a")[0], Link::Cut);
    put(&cluster.rings[stranger], "a", "2").await.unwrap();
    let versions = cluster.settled(&Key::from("a")).await;
    assert_eq!(versions.siblings()[0].dot.node, cluster.ids[cluster.replicas("a")[1]]);
    for ring in &cluster.rings {
        assert_eq!(get(ring, "a").await.as_deref(), Some("2"));
    }

    // Who seems to be down is asked last.
    cluster.heal();
    cluster.gossip_down(cluster.replicas("a")[0]);
    put(&cluster.rings[stranger], "a", "3").await.unwrap();
    let versions = cluster.settled(&Key::from("a")).await;
    assert_eq!(versions.siblings()[0].dot.node, cluster.ids[cluster.replicas("a")[1]]);

    cluster.isolate(stranger, Link::Cut);
    let error = put(&cluster.rings[stranger], "a", "4").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_nothing_is_minted_twice() {
    let cluster = Cluster::new(5, "3,2,2").await;
    let stranger = cluster.stranger("a");
    cluster.link(stranger, cluster.replicas("a")[0], Link::LosesAnswers);
    let error = put(&cluster.rings[stranger], "a", "1").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert_eq!(cluster.calls(message::WRITE), 1);
    let versions = cluster.settled(&Key::from("a")).await;
    assert_eq!(versions.context().iter().count(), 1);
    assert_eq!(get(&cluster.rings[stranger], "a").await.as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_forwarded_write_is_the_minters() {
    let cluster = Cluster::new(5, "3,2,2").await;
    let (stranger, first) = (cluster.stranger("a"), cluster.replicas("a")[0]);
    for other in &cluster.replicas("a")[1..] {
        cluster.link(first, *other, Link::Cut);
    }
    let error = put(&cluster.rings[stranger], "a", "1").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let DbaError::Quorum { answered, failed, .. } = &error else { panic!("{error}") };
    assert_eq!((answered, failed.len()), (&vec![cluster.ids[first].to_string()], 2));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_whole_everywhere() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let batch = Batch::new().put("a", "1").put("b", "1").put("a", "2").delete("c");
    cluster.rings[1].write(b"p", batch).await.unwrap();
    cluster.settled(&Key::new("p", "a")).await;
    assert_eq!(cluster.calls(message::STORE), 2);
    let page = cluster.rings[2].scan(b"p", &Scan::all()).await.unwrap();
    assert_eq!(page, Page::from_iter([("a", "2"), ("b", "1")]));
    assert!(cluster.settled(&Key::new("p", "c")).await.is_deleted());
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_on_without_its_caller() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(0, Link::Slow(Duration::from_secs(1)));
    let key = Key::from("a");
    let write = cluster.rings[0].put(&key, b"1".into());
    assert!(tokio::time::timeout(Duration::from_millis(1), write).await.is_err());
    cluster.settled(&key).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_does_nothing() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let no_time = options().deadline(Duration::ZERO);
    let key = Key::from("a");
    let write = cluster.rings[0].put_with(&key, b"1".into(), &no_time).await;
    assert!(matches!(write, Err(DbaError::Deadline { .. })));
    let read = cluster.rings[0].get_with(&key, &no_time).await;
    assert!(matches!(read, Err(DbaError::Deadline { .. })));
    assert!(cluster.world.calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_node_is_a_ring() {
    let cluster = Cluster::new(1, "1,1,1").await;
    put(&cluster.rings[0], "a", "1").await.unwrap();
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("1"));
    assert_eq!(cluster.coordinator(0).state(), RingState::Effective);
}

use kvs_core::Page;
