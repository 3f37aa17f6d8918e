//! Concurrent writes.

use super::*;

/// Two puts through two nodes, by clients that have read nothing and say so.
async fn concurrent(cluster: &Cluster, key: &str) {
    let (key, options) = (Key::from(key), options());
    let nothing = cluster.rings[0].get_siblings(&key, &options).await.unwrap().token;
    for n in 0..3 {
        cluster.isolate(n, Link::Slow(Duration::from_millis(10)));
    }
    let put = |n: usize, value: &str| {
        cluster.rings[n].put_with_token(&key, value.into(), &nothing, &options)
    };
    let (one, other) = tokio::join!(put(0, "one"), put(1, "other"));
    one.unwrap();
    other.unwrap();
    cluster.settled(&key).await;
    cluster.heal();
}

#[tokio::test(start_paused = true)]
async fn concurrent_puts_are_siblings_until_they_are_settled() {
    let cluster = Cluster::new(3, "3,2,2").await;
    concurrent(&cluster, "a").await;
    let key = Key::from("a");
    assert_eq!(cluster.held(2, &key).await.siblings().len(), 2);
    // The same on every node: the later one.
    for ring in &cluster.rings {
        assert_eq!(get(ring, "a").await.as_deref(), Some("other"));
    }
    let read = cluster.rings[2].get_siblings(&key, &options()).await.unwrap();
    assert_eq!(read.values.len(), 2);
    let both = b"one, other".to_vec();
    cluster.rings[2].put_with_token(&key, both, &read.token, &options()).await.unwrap();
    assert_eq!(cluster.settled(&key).await.siblings().len(), 1);
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("one, other"));

    // The token is spent: it covers nothing that is there.
    cluster.rings[1].put_with_token(&key, b"late".into(), &read.token, &options()).await.unwrap();
    assert_eq!(cluster.settled(&key).await.siblings().len(), 2);
    cluster.rings[0].delete_with_token(&key, &read.token, &options()).await.unwrap();
    let read = cluster.rings[0].get_siblings(&key, &options()).await.unwrap();
    assert_eq!(read.values.len(), 2);
    cluster.rings[0].delete_with_token(&key, &read.token, &options()).await.unwrap();
    assert!(cluster.settled(&key).await.is_deleted());
}

#[tokio::test(start_paused = true)]
async fn a_put_without_a_token_settles_what_its_minter_holds() {
    let cluster = Cluster::new(3, "3,2,2").await;
    concurrent(&cluster, "a").await;
    put(&cluster.rings[2], "a", "new").await.unwrap();
    assert_eq!(cluster.settled(&Key::from("a")).await.siblings().len(), 1);
}

/// The minter has missed what the client has read: it catches up before it mints.
#[tokio::test(start_paused = true)]
async fn a_token_replaces_what_its_minter_has_not_seen() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let key = Key::from("a");
    cluster.isolate(2, Link::Cut);
    put(&cluster.rings[0], "a", "old").await.unwrap();
    let read = cluster.rings[0].get_siblings(&key, &options()).await.unwrap();
    cluster.heal();
    cluster.rings[2].put_with_token(&key, b"new".into(), &read.token, &options()).await.unwrap();
    let versions = cluster.settled(&key).await;
    assert_eq!(versions.siblings().len(), 1);
    assert_eq!(versions.siblings()[0].value.as_deref(), Some(&b"new"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_key_is_refused() {
    let cluster = Cluster::new(3, "3,2,2").await;
    put(&cluster.rings[0], "a", "1").await.unwrap();
    let read = cluster.rings[0].get_siblings(&Key::from("a"), &options()).await.unwrap();
    let (b, value) = (Key::from("b"), b"1".to_vec());
    let put = cluster.rings[0].put_with_token(&b, value, &read.token, &options()).await;
    assert_eq!(put.unwrap_err().outcome(), kvs_core::Outcome::NotApplied);
    assert_eq!(get(&cluster.rings[0], "b").await, None);
}

#[tokio::test(start_paused = true)]
async fn expired_values_are_absent() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let soon = crate::replica::Write {
        expires_at_ms: Some(NOW_MS + 10),
        ..crate::replica::Write::put("row", "1")
    };
    cluster.coordinator(0).write(b"p", vec![soon], &options()).await.unwrap();
    let (key, all) = (Key::new("p", "row"), kvs_core::Scan::all());
    assert_eq!(cluster.rings[1].get(&key).await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(cluster.rings[1].scan(b"p", &all).await.unwrap().len(), 1);
    cluster.clock.advance(Duration::from_millis(10));
    assert_eq!(cluster.rings[1].get(&key).await.unwrap(), None);
    assert!(cluster.rings[1].scan(b"p", &all).await.unwrap().is_empty());
}
