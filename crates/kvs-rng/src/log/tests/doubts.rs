//! Disks that are lost, and replaced by empty ones.

use super::*;
use crate::log::core::{Core, Durable, Event, Message, Voters};

/// The last add is on node 0 and node 1 alone; then node 1 is replaced, and node 0 cut off.
async fn newest_is_cut_off() -> (Arc<Cluster>, [usize; 3]) {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let replicas: [usize; 3] = cluster.replicas("a").try_into().unwrap();
    cluster.add(replicas[0], "a").await;
    cluster.settled("a", 1).await;
    cluster.cut(replicas[2]);
    cluster.add(replicas[0], "a").await;
    sleep(Duration::from_secs(1)).await;
    cluster.kill(replicas[1], true);
    cluster.cut(replicas[0]);
    cluster.world.cut.lock().unwrap().remove(&cluster.ids[replicas[2]]);
    Arc::get_mut(&mut cluster).unwrap().replace(replicas[1]).await;
    (cluster, replicas)
}

async fn nobody_commits(cluster: &Cluster, nodes: &[usize]) {
    for node in nodes {
        let logs = cluster.logs(*node).unwrap();
        let options = CallOptions::default().deadline(Duration::from_secs(10));
        let error = add_at(&logs, "a", &options).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_disk_makes_no_majority_with_one_that_lags_behind() {
    for restarts in 0..3 {
        for is_used_before in [false, true] {
            let (cluster, [newest, replaced, late]) = newest_is_cut_off().await;
            for _ in 0..restarts {
                if is_used_before {
                    nobody_commits(&cluster, &[replaced]).await;
                }
                cluster.kill(replaced, true);
                cluster.start(replaced, false).await;
            }
            assert_eq!(cluster.logs(replaced).unwrap().buckets_in_doubt(), BUCKETS as usize);
            nobody_commits(&cluster, &[replaced, late, replaced]).await;
            cluster.heal();
            assert_eq!(cluster.add(late, "a").await, 2, "after {restarts} restarts");
            cluster.settled("a", 3).await;
            // From here on it counts.
            cluster.kill(newest, true);
            assert_eq!(cluster.add(late, "a").await, 3);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn doubts_of_idle_buckets_end_by_themselves() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let used = names(&cluster, 5);
    for name in &used {
        cluster.add(0, name).await;
    }
    // Each disk is lost once, one after another.
    for n in [1, 0, 2] {
        Arc::get_mut(&mut cluster).unwrap().replace(n).await;
        let logs = cluster.logs(n).unwrap();
        assert_eq!(logs.buckets_in_doubt(), BUCKETS as usize);
        let mending = logs.mending();
        let until = Instant::now() + PATIENCE;
        while logs.buckets_in_doubt() > 0 {
            assert!(Instant::now() < until, "{} are in doubt", logs.buckets_in_doubt());
            sleep(Duration::from_millis(100)).await;
        }
        // It takes note of that.
        sleep(Duration::from_secs(2)).await;
        drop(mending);
        assert!(logs.buckets_open() <= used.len(), "unused buckets cost nothing");
        cluster.kill(n, true);
        cluster.start(n, false).await;
        assert_eq!(cluster.logs(n).unwrap().buckets_in_doubt(), 0);
    }
    for name in &used {
        assert_eq!(cluster.add(0, name).await, 1);
    }
    // Nothing goes on.
    let mending: Vec<_> = (0..3).map(|n| cluster.logs(n).unwrap().mending()).collect();
    sleep(Duration::from_secs(30)).await;
    let calls = cluster.calls();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(cluster.calls(), calls, "idle buckets cause calls");
    drop(mending);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_stays_until_all_have_answered() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    cluster.add(0, "a").await;
    cluster.cut(replicas[2]);
    Arc::get_mut(&mut cluster).unwrap().replace(replicas[1]).await;
    let logs = cluster.logs(replicas[1]).unwrap();
    let _mending = logs.mending();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(logs.buckets_in_doubt(), BUCKETS as usize);
    cluster.heal();
    let until = Instant::now() + PATIENCE;
    while logs.buckets_in_doubt() > 0 {
        assert!(Instant::now() < until, "{} are in doubt", logs.buckets_in_doubt());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(cluster.add(0, "a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn doubts_after_a_loss_of_power_end_by_themselves_too() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let used = names(&cluster, 5);
    for name in &used {
        cluster.add(0, name).await;
        cluster.settled(name, 1).await;
    }
    for n in 0..3 {
        // Whoever owns a bucket meanwhile hears of it.
        cluster.kill(n, true);
        cluster.start(n, true).await;
        let logs = cluster.logs(n).unwrap();
        assert_eq!(logs.buckets_in_doubt(), used.len());
        let _mending = logs.mending();
        let until = Instant::now() + PATIENCE;
        while logs.buckets_in_doubt() > 0 {
            assert!(Instant::now() < until, "{} are in doubt", logs.buckets_in_doubt());
            sleep(Duration::from_millis(100)).await;
        }
    }
    for name in &used {
        assert_eq!(cluster.add(1, name).await, 1);
    }
}

/// What an owner before sent may be far from the end of its log.
#[test]
fn an_older_entry_ends_no_doubt() {
    let [me, owner, other] = [1, 2, 3].map(|n| member(n).id);
    let epoch = |counter| Epoch { counter, node: owner, incarnation: Incarnation(1) };
    let voters = Voters::new(1, [me, owner, other]);
    let mut core: Core<Writes> = Core::new(me, Incarnation(1), Durable::default(), voters);
    let mut told = |event| {
        let mut actions = Vec::new();
        core.handle(event, &mut actions);
        core.log().doubt.is_some()
    };
    assert!(told(Event::Doubt));
    let entry = |counter, seq, prev| Entry {
        layout: 1,
        position: Position::new(epoch(counter), seq),
        prev,
        payload: None,
    };
    let append = |prev, entries| Event::Message {
        from: owner,
        message: Message::Append {
            epoch: epoch(7),
            layout: 1,
            round: 0,
            prev,
            entries,
            commit: 0,
            floor: 0,
        },
    };
    let first = entry(5, 1, Position::start());
    let second = entry(7, 2, first.position);
    assert!(told(append(Position::start(), vec![first.clone()])));
    assert!(!told(append(first.position, vec![second])));
    assert!(!told(Event::NothingLost));
}
