use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_not_used_costs_nothing() {
    let cluster = Cluster::new(3, "3,2,2").await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(cluster.calls(), 0);
    assert!((0..3).all(|n| cluster.logs(n).unwrap().buckets_open() == 0));

    cluster.add(0, "a").await;
    cluster.settled("a", 1).await;
    sleep(Duration::from_secs(30)).await;
    let (calls, writes) = (cluster.calls(), cluster.logs(0).unwrap().counters().writes);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(cluster.calls(), calls, "an idle bucket causes calls");
    assert_eq!(cluster.logs(0).unwrap().counters().writes, writes);
    assert!((0..3).all(|n| cluster.logs(n).unwrap().buckets_open() <= 1));
}

#[tokio::test(start_paused = true)]
async fn many_buckets_share_requests_and_writes() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let names: Vec<_> = names(&cluster, BUCKETS as usize);
    // All at once, and all at one node: it may own any of them.
    let logs = cluster.logs(0).unwrap();
    let adds = names.iter().map(|name| {
        let (logs, name) = (logs.clone(), name.clone());
        kvs_core::env::spawn(
            async move { add_at(&logs, &name, &CallOptions::default()).await.unwrap() },
        )
    });
    for add in adds.collect::<Vec<_>>() {
        assert_eq!(add.await.unwrap(), 0);
    }
    let counters = logs.counters();
    assert_eq!(counters.commands, u64::from(BUCKETS));
    assert!(counters.calls < u64::from(BUCKETS) * 2, "{counters:?}");
    assert!(counters.writes < u64::from(BUCKETS) * 2, "{counters:?}");
}
