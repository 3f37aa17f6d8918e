//! Stale replicas are mended: by reads, and by hints.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_read_mends_what_it_finds_stale() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let key = Key::from("a");
    for stale in 0..3 {
        cluster.isolate(stale, Link::Cut);
        put(&cluster.rings[(stale + 1) % 3], "a", &stale.to_string()).await.unwrap();
        cluster.heal();
        // It is one of those that answer.
        assert_eq!(get(&cluster.rings[stale], "a").await, Some(stale.to_string()));
        let versions = cluster.settled(&key).await;
        assert_eq!(versions.siblings().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_mends_what_it_finds_stale() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(2, Link::Cut);
    cluster.rings[0].put(&Key::new("p", "a"), b"1".into()).await.unwrap();
    cluster.rings[1].put(&Key::new("p", "b"), b"2".into()).await.unwrap();
    cluster.heal();
    let page = cluster.rings[2].scan(b"p", &kvs_core::Scan::all()).await.unwrap();
    assert_eq!(page.len(), 2);
    cluster.settled(&Key::new("p", "a")).await;
    cluster.settled(&Key::new("p", "b")).await;
}

#[tokio::test(start_paused = true)]
async fn hints_bring_what_was_missed() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let minter = cluster.coordinator(0);
    cluster.isolate(2, Link::Cut);
    cluster.gossip_down(2);
    let key = |n: usize| format!("key {n}");
    for n in 0..250 {
        put(&cluster.rings[0], &key(n), "old").await.unwrap();
    }
    // One key is missed twice; what is sent is what is then held.
    put(&cluster.rings[0], &key(0), "new").await.unwrap();
    let until = Instant::now() + PATIENCE;
    while minter.hints().counts().await != BTreeMap::from([(cluster.ids[2], 250)]) {
        assert!(Instant::now() < until, "{:?}", minter.hints().counts().await);
        sleep(Duration::from_millis(10)).await;
    }
    assert!(cluster.coordinator(2).replica().is_empty().await.unwrap());
    assert!(minter.replay_to(cluster.ids[2]).await.is_err());
    assert_eq!(minter.hints().counts().await[&cluster.ids[2]], 250);

    let _replaying = minter.replaying();
    cluster.heal();
    minter.seen_up(cluster.ids[2]);
    for n in 0..250 {
        cluster.settled(&Key::from(key(n))).await;
    }
    let versions = cluster.held(2, &Key::from("key 0")).await;
    assert_eq!(versions.siblings()[0].value.as_deref(), Some(&b"new"[..]));
    while !minter.hints().counts().await.is_empty() {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(10)).await;
    }
    for bucket in (0..16).map(crate::hash::Bucket) {
        let mine = minter.replica().digests(bucket).await.unwrap();
        assert_eq!(minter.digests_at(cluster.ids[2], bucket).await.unwrap(), mine);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_replica_gets_a_hint_and_one_in_time_does_not() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.link(0, 1, Link::Slow(Duration::from_secs(1)));
    cluster.link(0, 2, Link::Slow(Duration::from_secs(2)));
    put(&cluster.rings[0], "a", "1").await.unwrap();
    cluster.settled(&Key::from("a")).await;
    sleep(PATIENCE).await;
    assert!(cluster.coordinator(0).hints().counts().await.is_empty());

    cluster.link(0, 2, Link::Silent);
    put(&cluster.rings[0], "a", "2").await.unwrap();
    sleep(PATIENCE).await;
    let expected = BTreeMap::from([(cluster.ids[2], 1)]);
    assert_eq!(cluster.coordinator(0).hints().counts().await, expected);
}

#[tokio::test(start_paused = true)]
async fn buckets_can_be_paged_and_sent() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.isolate(2, Link::Cut);
    for n in 0..10_u8 {
        cluster.rings[0].put(&Key::new("p", [n]), vec![n; 9 << 20]).await.unwrap();
    }
    cluster.heal();
    let (reader, bucket) = (cluster.coordinator(1), cluster.layout.bucket_of(b"p"));
    let (mut items, mut more) = (Vec::new(), true);
    while more {
        let last = items.last().map(|item: &crate::replica::Item| item.key.clone());
        let page = reader.page_at(cluster.ids[0], bucket, last.as_ref(), 100, 1 << 20).await;
        let (page, is_more) = page.unwrap();
        items.extend(page);
        more = is_more;
    }
    assert_eq!(items.len(), 10);
    // Two of them don't fit into one message.
    let stores = cluster.calls(message::STORE);
    reader.send(cluster.ids[2], bucket, &items).await.unwrap();
    assert_eq!(cluster.calls(message::STORE), stores + 10);
    assert_eq!(cluster.held(2, &items[9].key).await, items[9].versions);
}
