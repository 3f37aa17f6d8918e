//! What is refused.

use kvs_core::limits::{BATCH_OPS_MAX, VALUE_BYTES_MAX};
use kvs_core::{Order, Outcome};

use super::*;
use crate::version::{NODES_MAX, SIBLINGS_MAX};

#[tokio::test]
async fn writes_that_pass_a_limit_change_nothing() {
    let replica = open(&Store::memory(), 1).await;
    let good = || Write::put("a", "1");
    let cases: [(&[u8], Vec<Write>, &str); 5] = [
        (b"", vec![good()], "partition length"),
        (&[0; 1025], vec![good()], "partition length"),
        (b"p", vec![good(), Write::put([0; 1025], "1")], "clustering length"),
        (b"p", vec![good(), Write::put("b", vec![0; VALUE_BYTES_MAX + 1])], "value length"),
        (b"p", vec![good(); BATCH_OPS_MAX + 1], "operations in a batch"),
    ];
    for (partition, writes, expected) in cases {
        let error = replica.mint(BUCKET, partition, writes).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.outcome() == Outcome::NotApplied && !error.is_retryable());
    }
    let nothing = || Write { seen: Some(Default::default()), ..good() };
    let error = replica.mint(BUCKET, b"p", vec![nothing(); SIBLINGS_MAX + 1]).await.unwrap_err();
    assert!(error.to_string().contains("siblings of one key is 101"), "{error}");
    let item = Item { key: Key::from(""), versions: Versions::default() };
    assert!(replica.store(BUCKET, vec![item]).await.is_err());
    assert!(replica.mint(BUCKET, b"p", Vec::new()).await.unwrap().is_empty());
    assert!(replica.is_empty().await.unwrap());
    assert_eq!(replica.digests(BUCKET).await.unwrap(), Leaves::default());
}

/// Two states that can be read each, and together could not.
#[tokio::test]
async fn what_could_not_be_read_back_is_not_stored() {
    let replica = open(&Store::memory(), 1).await;
    let state = |side: u8| {
        let mut versions = Versions::default();
        for n in 0..NODES_MAX as u64 / 2 + 1 {
            let mut bytes = [side; 16];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            let mut one = Versions::default();
            let dot = Dot::new(NodeId::from_bytes(bytes), 1);
            one.write(Sibling::tombstone(dot, Timestamp::default()), None).unwrap();
            versions.join(one);
        }
        vec![Item { key: Key::from("p"), versions }]
    };
    assert!(replica.store(BUCKET, state(8)).await.unwrap());
    let error = replica.store(BUCKET, state(9)).await.unwrap_err();
    assert!(matches!(error, ReplicaError::Limit(_)), "{error:?}");
    assert_eq!(all(&replica, BUCKET).await, state(8));
    assert_no_drift(&replica, BUCKET).await;
}

/// The system clock was an hour ahead and is set back.
#[tokio::test]
async fn a_clock_that_is_ahead_mints_nothing_and_stores_all() {
    let (env, manual) = Env::manual(NOW_MS, 1);
    let stamps = Arc::new(HybridClock::new(&env, AHEAD_MAX));
    let store = Store::memory();
    let replica = Replica::open(&store, id(1), stamps.clone(), None, false).await.unwrap();
    let (later, later_clock) = Env::manual(NOW_MS, 1);
    later_clock.advance(Duration::from_secs(3600));
    let later = Arc::new(HybridClock::new(&later, AHEAD_MAX));
    let other = Replica::open(&Store::memory(), id(2), later, None, false).await.unwrap();

    // A write from the future is stored and doesn't drag this clock along.
    let items = other.mint(BUCKET, b"p", vec![Write::put("a", "1")]).await.unwrap();
    assert!(replica.store(BUCKET, items).await.unwrap());
    let item = replica.mint(BUCKET, b"p", vec![Write::put("b", "1")]).await.unwrap().remove(0);
    assert_eq!(item.versions.siblings()[0].timestamp.ms(), NOW_MS);

    // This clock itself is ahead, as after a system clock that was set back.
    manual.advance(Duration::from_secs(59));
    stamps.observe(Timestamp::from_ms(NOW_MS + 100_000));
    let behind = Timestamp::from_ms(NOW_MS + 119_000);
    assert!(stamps.check(behind).is_ok());
    stamps.observe(behind);
    let item = replica.mint(BUCKET, b"p", vec![Write::put("b", "2")]).await.unwrap().remove(0);
    assert!(item.versions.siblings()[0].timestamp > behind);
    // The very last timestamp that is allowed, and then the next one is not.
    stamps.observe(Timestamp::from_bits((NOW_MS + 119_000) << 16 | 0xFFFF));
    let held = all(&replica, BUCKET).await;
    let error = replica.mint(BUCKET, b"p", vec![Write::put("b", "3")]).await.unwrap_err();
    assert!(matches!(error, ReplicaError::ClockAhead(_)), "{error:?}");
    assert!(error.is_retryable() && error.outcome() == Outcome::NotApplied);
    assert_eq!(all(&replica, BUCKET).await, held);
    manual.advance(Duration::from_secs(1));
    replica.mint(BUCKET, b"p", vec![Write::put("b", "3")]).await.unwrap();
}

#[tokio::test]
async fn pages_end_with_their_bytes() {
    let replica = open(&Store::memory(), 1).await;
    let writes = (0..9_u8).map(|row| Write::put([row], vec![row; 1000])).collect();
    replica.mint(BUCKET, b"p", writes).await.unwrap();
    let range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let scan = |rows, bytes| {
        let replica = replica.clone();
        let range = range.clone();
        async move {
            let scan = replica.scan(BUCKET, b"p", &range, Order::Descending, rows, bytes);
            let (items, is_more) = scan.await.unwrap();
            (items.len(), is_more, items[0].key.clustering().to_vec())
        }
    };
    assert_eq!(scan(usize::MAX, usize::MAX).await, (9, false, vec![8]));
    assert_eq!(scan(9, usize::MAX).await, (9, false, vec![8]));
    assert_eq!(scan(8, usize::MAX).await, (8, true, vec![8]));
    assert_eq!(scan(9, 2500).await, (3, true, vec![8]));
    assert_eq!(scan(0, 0).await, (1, true, vec![8]));
}
