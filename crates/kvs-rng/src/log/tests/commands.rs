use kvs_core::RowKind;

use super::*;

#[tokio::test(start_paused = true)]
async fn one_node_keeps_its_entities() {
    let cluster = Cluster::new(1, "1,1,1").await;
    for expected in 0..5 {
        assert_eq!(cluster.add(0, "a").await, expected);
    }
    cluster.kill(0, false);
    cluster.start(0, false).await;
    assert_eq!(cluster.add(0, "a").await, 5);
    assert_eq!(cluster.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn commands_of_one_entity_run_one_after_another_and_share_rounds() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let owner = cluster.replicas("a")[0];
    let tasks = (0..64).map(|n| {
        let cluster = cluster.clone();
        kvs_core::env::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..10 {
                seen.push(cluster.add(n % 3, "a").await);
            }
            seen
        })
    });
    let mut seen = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        seen.extend(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..640).collect::<Vec<u64>>());
    cluster.settled("a", 640).await;
    let counters = cluster.logs(owner).unwrap().counters();
    assert_eq!(counters.commands, 640);
    assert!(counters.rounds <= 64, "{counters:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_goes_to_the_owner_and_is_refused_elsewhere() {
    let cluster = Cluster::new(4, "3,2,2").await;
    cluster.add(0, "a").await;
    let replicas = cluster.replicas("a");
    let owner = cluster.ids[replicas[0]];
    for n in 0..4 {
        let logs = cluster.logs(n).unwrap();
        let is_owner = n == replicas[0];
        let expected = if is_owner { Owner::Here } else { Owner::At(owner) };
        assert_eq!(logs.owners().owner(b"a"), expected);
        let answer = add_at(&logs, "a", &CallOptions::default()).await;
        match answer {
            Ok(before) => assert_eq!((n, before), (replicas[0], 1)),
            Err(DbaError::NotOwner { owner: named, .. }) => {
                assert!(!is_owner);
                assert_eq!(named, Some(owner.to_string()));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_command_is_applied_once() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let logs = cluster.logs(cluster.replicas("a")[0]).unwrap();
    let options = CallOptions::default().command(CommandId::new(&cluster.env));
    // Also while the first one is on its way.
    let (one, two) = tokio::join!(add_at(&logs, "a", &options), add_at(&logs, "a", &options));
    assert_eq!((one.unwrap(), two.unwrap()), (0, 0));
    assert_eq!(add_at(&logs, "a", &options).await.unwrap(), 0);
    assert_eq!(cluster.add(0, "a").await, 1);
}

/// Results are kept by the time of their ids: a thousand ids of next year would make all others too
/// old to be run.
#[tokio::test(start_paused = true)]
async fn an_id_from_the_future_is_refused_and_harms_nobody() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let logs = cluster.logs(cluster.replicas("a")[0]).unwrap();
    let made_in = |ms: u64| {
        let (env, _) = Env::manual(cluster.env.clock.now_ms() + ms, 7);
        CallOptions::default().command(CommandId::new(&env))
    };
    let year_ms = 365 * 24 * 3600 * 1000;
    // It takes some time until the owner looks at it.
    for ms in [70_000, year_ms] {
        let error = add_at(&logs, "a", &made_in(ms)).await.unwrap_err();
        assert!(
            matches!(error, DbaError::CommandAhead { ahead_ms, .. }
                if (60_001..=ms).contains(&ahead_ms)),
            "{error}"
        );
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, false));
    }
    // Clocks that differ a little are usual.
    for (expected, ms) in [60_000, 0].into_iter().enumerate() {
        assert_eq!(add_at(&logs, "a", &made_in(ms)).await.unwrap(), expected as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_without_writes_is_confirmed() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.add(0, "a").await;
    let owner = cluster.replicas("a")[0];
    let logs = cluster.logs(owner).unwrap();
    let options = CallOptions::default().deadline(Duration::from_secs(1));
    assert_eq!(look(&logs, "a", &options).await.unwrap(), 1);
    assert_eq!(logs.counters().reads_confirmed, 1);
    cluster.cut(owner);
    assert!(look(&logs, "a", &options).await.is_err(), "it may own the bucket no longer");
}

#[tokio::test(start_paused = true)]
async fn rows_of_entities_are_of_their_own_kind() {
    let cluster = Cluster::new(1, "1,1,1").await;
    cluster.add(0, "a").await;
    let raw = cluster.stores[0].raw();
    let mut kinds = BTreeMap::new();
    let all = (std::ops::Bound::Included(vec![0]), std::ops::Bound::Unbounded);
    let rows = raw.scan(all, kvs_core::Order::Ascending, 1_000, 1 << 20).await.unwrap();
    for row in rows {
        *kinds.entry(RowKind::of(&row.key).unwrap().name()).or_insert(0) += 1;
    }
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ["entity", "log"]);
    let rows = cluster.logs(0).unwrap().entities().rows();
    let refused = rows.put(&Key::new("a", [0x10]), vec![1]).await.unwrap_err();
    assert!(matches!(refused, DbaError::Unsupported { .. }));
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_nothing_is_done_and_the_error_says_so() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    cluster.kill(replicas[1], true);
    cluster.kill(replicas[2], true);
    let logs = cluster.logs(replicas[0]).unwrap();
    let options = CallOptions::default().deadline(Duration::from_secs(1));
    let error = add_at(&logs, "a", &options).await.unwrap_err();
    assert!(matches!(&error, DbaError::Quorum { needed: 2, .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::NotApplied);

    // A thousand callers wait in bounded memory, and all are told.
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (logs, options) = (logs.clone(), options.clone());
            kvs_core::env::spawn(async move { add_at(&logs, "a", &options).await.unwrap_err() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().outcome(), Outcome::NotApplied);
    }
    cluster.start(replicas[1], false).await;
    assert_eq!(cluster.add(0, "a").await, 0);
}
