use super::*;

/// Eight tasks add while `disturb` does what it does; then the counter has every add once.
async fn adds_while(cluster: &Arc<Cluster>, disturb: impl Future<Output = ()>) {
    let tasks = (0..8).map(|n| {
        let cluster = cluster.clone();
        kvs_core::env::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..100 {
                seen.push(cluster.add(n % 3, "a").await);
                sleep(Duration::from_millis(20)).await;
            }
            seen
        })
    });
    let tasks: Vec<_> = tasks.collect();
    disturb.await;
    let mut seen = Vec::new();
    for task in tasks {
        seen.extend(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..800).collect::<Vec<u64>>());
    // Its owner may have been the last to be killed: nobody owns a bucket that nobody uses.
    assert_eq!(cluster.add(0, "a").await, 800);
    cluster.settled("a", 801).await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_killed_loses_and_doubles_nothing() {
    for seed in 0..4 {
        let cluster = Cluster::seeded(3, "3,2,2", seed).await;
        let replicas = cluster.replicas("a");
        let disturb = async {
            for round in 0..4 {
                sleep(Duration::from_millis(700)).await;
                cluster.kill(replicas[round % 2], round % 2 == 0);
                sleep(Duration::from_millis(1_500)).await;
                cluster.start(replicas[round % 2], false).await;
            }
        };
        adds_while(&cluster, disturb).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_cut_off_loses_and_doubles_nothing() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    let disturb = async {
        for node in replicas {
            sleep(Duration::from_millis(500)).await;
            cluster.cut(node);
            sleep(Duration::from_secs(5)).await;
            cluster.heal();
        }
    };
    adds_while(&cluster, disturb).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_lost_late_or_doubled_lose_and_double_nothing() {
    for seed in 0..4 {
        let cluster = Cluster::seeded(3, "3,2,2", seed).await;
        let replicas = cluster.replicas("a");
        *cluster.world.faults.lock().unwrap() = 8;
        let disturb = async {
            for node in [replicas[0], replicas[1]] {
                sleep(Duration::from_secs(3)).await;
                cluster.kill(node, false);
                sleep(Duration::from_secs(3)).await;
                cluster.start(node, false).await;
            }
            sleep(Duration::from_secs(3)).await;
            *cluster.world.faults.lock().unwrap() = 0;
        };
        adds_while(&cluster, disturb).await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_nodes_may_restart() {
    let cluster = Cluster::new(3, "3,2,2").await;
    for name in ["a", "b", "c"] {
        for expected in 0..3 {
            assert_eq!(cluster.add(0, name).await, expected);
        }
    }
    for n in 0..3 {
        cluster.kill(n, false);
    }
    for n in 0..3 {
        cluster.start(n, false).await;
    }
    for name in ["a", "b", "c"] {
        assert_eq!(cluster.add(1, name).await, 3);
        cluster.settled(name, 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn fail_over_takes_less_than_two_seconds() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.add(0, "a").await;
    let replicas = cluster.replicas("a");
    // Gossip does not even notice.
    cluster.kill(replicas[0], false);
    let start = Instant::now();
    assert_eq!(cluster.add(replicas[1], "a").await, 1);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_may_have_lost_something_catches_up_first() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    // The last add is acknowledged by two, and one of them loses it.
    cluster.add(replicas[0], "a").await;
    cluster.settled("a", 1).await;
    cluster.cut(replicas[2]);
    cluster.add(replicas[0], "a").await;
    sleep(Duration::from_secs(1)).await;
    let lost = cluster.replicas("a")[1];
    cluster.kill(lost, true);
    cluster.kill(replicas[0], true);
    cut_log(&cluster, lost, 1).await;
    cluster.heal();
    cluster.start(lost, true).await;

    // The two that are left are a majority, but what one of them had is lost.
    let logs = cluster.logs(replicas[2]).unwrap();
    let options = CallOptions::default().deadline(Duration::from_secs(5));
    let error = add_at(&logs, "a", &options).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");

    cluster.start(replicas[0], false).await;
    assert_eq!(cluster.add(replicas[2], "a").await, 2);
    cluster.settled("a", 3).await;
    // From here on it counts again.
    cluster.kill(replicas[0], true);
    assert_eq!(cluster.add(replicas[2], "a").await, 3);
}

#[tokio::test(start_paused = true)]
async fn when_all_lose_power_what_any_has_left_counts() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.add(0, "a").await;
    cluster.settled("a", 1).await;
    for n in 0..3 {
        cluster.kill(n, false);
    }
    for n in 0..2 {
        cluster.start(n, true).await;
    }
    let first = cluster.replicas("a").into_iter().find(|n| *n < 2).unwrap();
    let logs = cluster.logs(first).unwrap();
    let options = CallOptions::default().deadline(Duration::from_secs(5));
    assert!(add_at(&logs, "a", &options).await.is_err(), "one is still missing");
    cluster.start(2, true).await;
    assert_eq!(cluster.add(0, "a").await, 1);
}

/// Takes entries away at the end of a log, with what was known of them, as a loss of power may.
async fn cut_log(cluster: &Cluster, n: usize, entries: u64) {
    use kvs_core::engine::WriteSet;

    let bucket = cluster.layout.bucket_of(b"a");
    let raw = cluster.stores[n].raw();
    let head = raw.get(format::head_key(bucket)).await.unwrap().unwrap();
    let mut head: format::Head = format::decode("head", &head).unwrap();
    let range = format::entries_after(bucket, head.floor.seq);
    let rows = raw.scan(range, kvs_core::Order::Descending, 1_000, 1 << 20).await.unwrap();
    let mut writes = WriteSet::default();
    for row in rows.iter().take(entries.try_into().unwrap()) {
        writes.stored(&row.key, None);
    }
    let left = rows.len() as u64 - entries + head.floor.seq;
    if head.commit > left {
        let key = rows::key(bucket, head.generation, b"a", &[0x10]);
        let before = kvs_core::format::envelope::Envelope::new(&1_u64.to_be_bytes()).encode();
        writes.stored(&key, Some(&before));
        head.commit = left;
    }
    writes.stored(&format::head_key(bucket), Some(&format::encode("head", &head).unwrap()));
    raw.write(writes).await.unwrap();
}
