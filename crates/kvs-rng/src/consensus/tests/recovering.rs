//! A majority of the voters is lost for good.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_survivor_goes_on_alone() {
    let mut cluster = Cluster::of(5).await;
    let before = cluster.layout(4);
    for n in 1..=5 {
        cluster.stop(n).await;
    }
    cluster.start(4).await;
    cluster.start(5).await;
    let change = Change::Leave(id(1));
    let error = cluster.node(4).propose(&change, Duration::from_secs(20)).await.unwrap_err();
    assert!(matches!(error, ProposeError::NoLeader), "{error:?}");
    let term = cluster.status(4).term;

    cluster.stop(4).await;
    let kept = force_voters(&cluster.stores[&4], id(4), address(4)).await.unwrap();
    assert_eq!(kept, *before);
    cluster.start(4).await;
    for n in 1..=3 {
        cluster.node(5).propose(&Change::Leave(id(n)), LONG).await.unwrap();
    }
    cluster.settled(4..=5).await;
    assert_eq!(cluster.layout(5).version(), before.version() + 3);
    assert!(cluster.status(4).term > term + (1 << 31));

    // An old voter that comes back after all, and was removed meanwhile, finds no majority.
    cluster.start(1).await;
    until("elections without effect", || cluster.status(1).term > term + 3).await;
    assert_eq!(cluster.layout(1), before);
    assert!(cluster.status(5).voters.is_subset(&ids(4..=5)));
}

#[tokio::test(start_paused = true)]
async fn the_survivors_get_their_votes_back() {
    let mut cluster = Cluster::of(3).await;
    for n in 1..=3 {
        cluster.stop(n).await;
    }
    force_voters(&cluster.stores[&2], id(2), address(2)).await.unwrap();
    for n in 1..=3 {
        cluster.start(n).await;
    }
    let change = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    until("the forced term everywhere", || (1..=3).all(|n| cluster.status(n).term >= 1 << 32))
        .await;
    cluster.node(3).propose(&change, LONG).await.unwrap();
    cluster.settled(1..=3).await;
}

#[tokio::test(start_paused = true)]
async fn recovering_twice_is_recovering_once_more() {
    let mut cluster = Cluster::of(1).await;
    cluster.stop(1).await;
    for _ in 0..2 {
        force_voters(&cluster.stores[&1], id(1), address(1)).await.unwrap();
    }
    cluster.start(1).await;
    let change = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    assert_eq!(cluster.node(1).propose(&change, LONG).await.unwrap().version(), 2);
    assert!(cluster.status(1).term > 2 << 32);
}

#[tokio::test(start_paused = true)]
async fn there_must_be_something_to_go_on_with() {
    let empty = force_voters(&Store::memory(), id(1), address(1)).await;
    assert!(matches!(empty, Err(RecoverError::NoLayout)), "{empty:?}");

    let cluster = Cluster::of(1).await;
    cluster.stop(1).await;
    let stranger = force_voters(&cluster.stores[&1], id(2), address(2)).await;
    assert!(matches!(stranger, Err(RecoverError::NotMember { .. })), "{stranger:?}");
}
