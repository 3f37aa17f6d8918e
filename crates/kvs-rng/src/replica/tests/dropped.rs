//! Callers that go away.

use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::disk::Disk;
use super::*;

/// Every call takes a thread, so a write is left at any point. What was begun ends, with its leaf.
#[tokio::test]
async fn a_write_that_was_begun_ends() {
    let disk = Disk::default();
    let replica = open(&disk.store(), 1).await;
    disk.gauge.is_slow.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for n in 0..200_u64 {
        let write = Write::put((n % 10).to_be_bytes(), n.to_be_bytes());
        let mut mint = Box::pin(replica.mint(BUCKET, b"p", vec![write]));
        for _ in 0..n % 7 {
            if let Some(minted) = (&mut mint).now_or_never() {
                minted.unwrap();
                answered += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // The lock is given in order: this one comes behind all that were begun.
    let last = replica.mint(BUCKET, b"p", vec![Write::put("last", "1")]).await.unwrap();
    let begun = last[0].versions.context().counter(id(1)) - 1;
    assert!((answered..200).contains(&begun), "{begun}, answered {answered}");
    let counters: Vec<_> = all(&replica, BUCKET)
        .await
        .iter()
        .map(|item| item.versions.context().counter(id(1)))
        .collect();
    assert!(counters.contains(&begun), "{counters:?}");
    assert_no_drift(&replica, BUCKET).await;
}

/// Who leaves while waiting for the bucket has done nothing.
#[tokio::test]
async fn a_write_that_waited_is_not_made() {
    let replica = open(&Store::memory(), 1).await;
    let locked = replica.inner().buckets.lock(BUCKET).await;
    let mut mint = Box::pin(replica.mint(BUCKET, b"p", vec![Write::put("a", "1")]));
    assert!((&mut mint).now_or_never().is_none());
    drop(mint);
    drop(locked);
    let item = replica.mint(BUCKET, b"p", vec![Write::put("b", "2")]).await.unwrap().remove(0);
    assert_eq!(item.versions.context().counter(id(1)), 1);
    assert_eq!(all(&replica, BUCKET).await, [item]);
}
