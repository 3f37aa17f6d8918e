//! Nodes fail and networks part.

use kvs_core::Outcome;

use super::*;

fn quorum(n: u8, w: u8, r: u8) -> Change {
    Change::SetQuorum(Quorum { n, w, r })
}

#[tokio::test(start_paused = true)]
async fn a_lost_leader_is_replaced() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.new_leader(1..=3).await;
    cluster.stop(leader).await;
    let rest: Vec<_> = (1..=3).filter(|n| *n != leader).collect();
    for (n, change) in rest.iter().zip([quorum(3, 2, 2), quorum(3, 3, 1)]) {
        cluster.node(*n).propose(&change, LONG).await.unwrap();
    }
    let new = cluster.new_leader(rest.clone()).await;
    assert_ne!(new, leader);
    until("both to have it", || rest.iter().all(|n| cluster.layout(*n).version() == 5)).await;
    assert_eq!(cluster.layout(new).quorum(), Quorum { n: 3, w: 3, r: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_minority_changes_nothing_and_serves_on() {
    let cluster = Cluster::of(5).await;
    let leader = cluster.new_leader(1..=5).await;
    let other = leader % 5 + 1;
    let minority = [leader, other];
    let majority: Vec<_> = (1..=5).filter(|n| !minority.contains(n)).collect();
    let before = cluster.layout(leader);
    cluster.part(&minority, &majority);

    for n in minority {
        let deadline = Duration::from_secs(10);
        let error = cluster.node(n).propose(&quorum(3, 2, 2), deadline).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
        assert_eq!(cluster.layout(n), before);
    }
    let n = majority[0];
    let after = cluster.node(n).propose(&quorum(5, 3, 3), LONG).await.unwrap();
    assert_eq!(after.version(), before.version() + 1);
    assert!(minority.iter().all(|n| cluster.layout(*n) == before));

    cluster.heal();
    until("all to have it", || (1..=5).all(|n| cluster.layout(n) == after)).await;
}

#[tokio::test(start_paused = true)]
async fn changes_at_once_are_ordered_and_none_is_lost() {
    let cluster = Cluster::of(3).await;
    let before = cluster.layout(1).version();
    let joins = (0..21).map(|n| {
        let node = cluster.node(n % 3 + 1);
        async move { node.propose(&Change::Join(member(100 + n)), LONG).await }
    });
    let made = futures_util::future::join_all(joins).await;
    let versions: BTreeSet<_> = made.into_iter().map(|made| made.unwrap().version()).collect();
    assert_eq!(versions, (before + 1..=before + 21).collect());
    until("all to have them", || (1..=3).all(|n| cluster.layout(n).version() == before + 21)).await;
    for n in 0..21 {
        assert!(cluster.layout(1).member(id(100 + n)).is_some());
    }
    // Those that never were there don't vote.
    assert!(cluster.status(1).voters.is_subset(&ids(1..=3)));
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_that_exclude_each_other_one_is_refused() {
    let cluster = Cluster::of(3).await;
    let (one, other) = (cluster.node(1), cluster.node(2));
    let change = Change::Leave(id(3));
    let (a, b) =
        futures_util::future::join(one.propose(&change, LONG), other.propose(&change, LONG)).await;
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let refused = a.err().or(b.err()).unwrap();
    assert!(matches!(refused, ProposeError::Refused { .. }), "{refused:?}");
    assert!(!refused.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn too_many_changes_at_once_are_refused() {
    let cluster = Cluster::of(1).await;
    let node = cluster.node(1);
    let changes = (0..PROPOSALS_MAX + 8).map(|n| {
        let (node, w) = (&node, u8::try_from(n % 9).unwrap() + 1);
        async move { node.propose(&quorum(9, w, 9), LONG).await }
    });
    let made = futures_util::future::join_all(changes).await;
    let busy = made.iter().filter(|made| matches!(made, Err(ProposeError::Busy))).count();
    assert!((1..=8).contains(&busy), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_layout_and_votes() {
    let mut cluster = Cluster::of(3).await;
    let before = cluster.node(2).propose(&quorum(3, 2, 2), LONG).await.unwrap();
    cluster.settled(1..=3).await;
    let term = cluster.status(1).term;
    for n in 1..=3 {
        cluster.stop(n).await;
    }
    cluster.start(2).await;
    // Alone it serves from what it has.
    assert_eq!(cluster.layout(2), before);
    assert_eq!(cluster.status(2).voters, ids(1..=3));
    assert!(cluster.status(2).term >= term);
    cluster.start(1).await;
    cluster.start(3).await;
    let after = cluster.node(3).propose(&quorum(3, 3, 1), LONG).await.unwrap();
    assert_eq!(after.version(), before.version() + 1);
    cluster.settled(1..=3).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lags_further_than_the_log_gets_a_snapshot() {
    let mut cluster = Cluster::new(1);
    cluster.config.snapshot_entries = 4;
    cluster.start(1).await;
    cluster.node(1).found(first_layout(1, 1)).await.unwrap();
    for n in 2..=3 {
        cluster.start(n).await;
        cluster.node(n).join(&member(n), &[address(1)], LONG).await.unwrap();
    }
    cluster.settled(1..=3).await;
    cluster.stop(3).await;
    for n in 0..40 {
        cluster.node(1).propose(&quorum(9, n % 9 + 1, 9), LONG).await.unwrap();
    }
    // Even though one of them may still need it.
    let log = LogStore::new(&cluster.stores[&1]);
    let start = Instant::now();
    while log.state().await.unwrap().last_purged_log_id.is_none_or(|purged| purged.index < 20) {
        assert!(start.elapsed() < LONG, "the log is not cut");
        sleep(Duration::from_millis(100)).await;
    }
    let newest = cluster.layout(1);

    cluster.start(3).await;
    until("the old one to catch up", || cluster.layout(3) == newest).await;
    cluster.start(4).await;
    cluster.node(4).join(&member(4), &[address(3)], LONG).await.unwrap();
    cluster.settled(1..=4).await;
    assert_eq!(cluster.layout(4).version(), newest.version() + 1);
}

#[tokio::test(start_paused = true)]
async fn a_voter_that_stays_silent_loses_its_vote_to_one_that_is_up() {
    let cluster = Cluster::of(4).await;
    let voters = cluster.status(1).voters;
    let leader = cluster.new_leader(1..=4).await;
    let silent = (1..=4).find(|n| voters.contains(&id(*n)) && *n != leader).unwrap();
    let learner = (1..=4).find(|n| !voters.contains(&id(*n))).unwrap();
    cluster.stop(silent).await;
    sleep(cluster.config.voter_grace / 2).await;
    assert_eq!(cluster.status(leader).voters, voters);
    until("the vote to pass on", || cluster.status(leader).voters.contains(&id(learner))).await;
    assert!(!cluster.status(leader).voters.contains(&id(silent)));
    assert!(cluster.layout(leader).member(id(silent)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_dead_member_can_be_removed() {
    let cluster = Cluster::of(5).await;
    let leader = cluster.new_leader(1..=5).await;
    let dead = leader % 5 + 1;
    cluster.stop(dead).await;
    cluster.node(leader).propose(&Change::Leave(id(dead)), LONG).await.unwrap();
    cluster.settled((1..=5).filter(|n| *n != dead)).await;
}

/// What happens, and when, from the loss of a leader on.
async fn story(seed: u64) -> Vec<(Duration, u8, u64)> {
    let mut cluster = Cluster::new(seed);
    let start = Instant::now();
    cluster.start(1).await;
    cluster.node(1).found(first_layout(1, 1)).await.unwrap();
    for n in 2..=5 {
        cluster.start(n).await;
        cluster.node(n).join(&member(n), &[address(1)], LONG).await.unwrap();
    }
    cluster.settled(1..=5).await;
    let mut left: Vec<u8> = (1..=5).collect();
    let mut story = Vec::new();
    for _ in 0..2 {
        let leader = cluster.new_leader(left.clone()).await;
        cluster.stop(leader).await;
        left.retain(|n| *n != leader);
        let new = cluster.new_leader(left.clone()).await;
        story.push((start.elapsed(), new, cluster.status(new).term));
    }
    story
}

#[test]
fn a_seed_replays() {
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(story(seed))
    };
    assert_eq!(run(7), run(7));
    let stories: BTreeSet<_> = (0..8).map(run).collect();
    assert!(stories.len() > 1, "the seed makes no difference");
}
