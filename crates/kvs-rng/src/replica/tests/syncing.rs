//! Writes that are synced before they are acknowledged.

use kvs_core::Outcome;
use tokio::task::JoinHandle;

use super::disk::{Disk, Syncs};
use super::*;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

async fn until(disk: &Disk, holds: impl Fn(Syncs) -> bool) {
    let wait = async {
        while !holds(disk.syncs()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

fn put(replica: &Replica, row: u8) -> JoinHandle<Result<Vec<Item>, ReplicaError>> {
    let replica = replica.clone();
    let write = Write::put([row], "value");
    kvs_core::env::spawn(async move { replica.mint(BUCKET, b"p", vec![write]).await })
}

#[tokio::test]
async fn a_write_is_there_before_it_is_safe_and_holds_nobody_up() {
    let disk = Disk::default();
    let replica = open(&disk.durable(), 1).await;
    disk.hold_syncs();
    let first = put(&replica, 1);
    until(&disk, |syncs| syncs.begun == 1).await;
    // One of the same row begins and ends its part behind it; it says so, and others may be sent it.
    let write = Write::put([1], "new");
    let items = replica.mint_unsynced(BUCKET, b"p", vec![write]).await.unwrap();
    assert_eq!(all(&replica, BUCKET).await, items);
    assert_no_drift(&replica, BUCKET).await;
    let other = open(&Store::memory(), 2).await;
    assert!(other.store(BUCKET, items.clone()).await.unwrap());
    assert!(!first.is_finished());

    // What is held already is no safer for it.
    let again = replica.clone();
    let stored = kvs_core::env::spawn(async move { again.store(BUCKET, items).await });
    let closing = replica.clone();
    let closed = kvs_core::env::spawn(async move { closing.close().await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(disk.syncs().ended, 0);
    assert!(!first.is_finished() && !stored.is_finished() && !closed.is_finished());

    disk.release_syncs();
    first.await.unwrap().unwrap();
    assert!(!stored.await.unwrap().unwrap());
    closed.await.unwrap().unwrap();
    // The second one covers all that was written while the first was under way.
    assert_eq!(disk.syncs().ended, 2);
}

#[tokio::test]
async fn many_writes_share_few_syncs() {
    let disk = Disk::default();
    let replica = open(&disk.durable(), 1).await;
    disk.hold_syncs();
    // All of one bucket, and so behind one lock.
    let puts: Vec<_> = (0..100).map(|row| put(&replica, row)).collect();
    let everything = async {
        while all(&replica, BUCKET).await.len() < puts.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, everything).await.unwrap();
    until(&disk, |syncs| syncs.begun == 1).await;
    assert!(puts.iter().all(|put| !put.is_finished()));
    disk.release_syncs();
    for put in puts {
        put.await.unwrap().unwrap();
    }
    assert!(disk.syncs().begun <= 2, "{}", disk.syncs().begun);
}

#[tokio::test]
async fn nothing_is_acknowledged_after_a_sync_that_failed() {
    let disk = Disk::default();
    let replica = open(&disk.durable(), 1).await;
    disk.hold_syncs();
    let puts = [put(&replica, 1), put(&replica, 2)];
    until(&disk, |syncs| syncs.begun == 1).await;
    disk.fail_syncs();
    disk.release_syncs();
    for put in puts {
        let error = put.await.unwrap().unwrap_err();
        // The second may have come too late to begin.
        assert!(error.to_string().contains("the disk is silent"), "{error}");
    }
    let held = all(&replica, BUCKET).await;
    assert!(!held.is_empty());
    let again = replica.store(BUCKET, held.clone()).await.unwrap_err();
    assert_eq!(again.outcome(), Outcome::Unknown, "{again}");
    let refused = put(&replica, 3).await.unwrap().unwrap_err();
    assert_eq!(refused.outcome(), Outcome::NotApplied, "{refused}");
    assert!(refused.is_of_this_node() && !again.is_of_this_node());
    assert_eq!(all(&replica, BUCKET).await, held);
    assert!(replica.close().await.is_err());
    assert_eq!(disk.syncs().begun, 1);
}

/// It may have lost the last writes that it minted, and others may have acknowledged them.
#[tokio::test]
async fn a_replica_that_lost_power_serves_and_mints_only_when_it_has_caught_up() {
    let store = Store::memory();
    let start = async |boot: &str| {
        Replica::open(&store, id(1), clock().0, Some(boot.to_owned()), true).await.unwrap()
    };
    let replica = start("one").await;
    let key = Key::new("p", "a");
    let mint = |replica: Replica| async move {
        replica.mint(BUCKET, b"p", vec![Write::put("a", "1")]).await
    };
    mint(replica).await.unwrap();
    let replica = start("two").await;
    // A write of its own that it lacks is no news, and no reason to stop serving.
    let mut versions = Versions::default();
    let lost = Sibling::new(Dot::new(id(1), 2), Timestamp::from_ms(NOW_MS), "lost");
    versions.write(lost, None).unwrap();
    replica.store(BUCKET, vec![Item { key: Key::new("p", "b"), versions }]).await.unwrap();

    // It stays so until it is said that all is repaired.
    for replica in [replica, start("two").await, start("three").await] {
        assert_eq!(replica.condition(), Condition::CatchingUp);
        assert!(replica.is_whole(BUCKET) && !replica.may_mint(BUCKET));
        assert_eq!(values(&replica.get(BUCKET, &key).await.unwrap()), [Some(&b"1"[..])]);
        let refused = mint(replica.clone()).await.unwrap_err();
        assert!(matches!(refused, ReplicaError::Recovering { bucket: BUCKET }), "{refused}");
        replica.recovered(BUCKET);
        assert!(replica.may_mint(BUCKET) && !replica.may_mint(Bucket(BUCKET.0 + 1)));
        mint(replica.clone()).await.unwrap();
        replica.close().await.unwrap();
    }
    let replica = start("three").await;
    replica.recovered_all().await.unwrap();
    assert_eq!(replica.condition(), Condition::Clean);
    mint(replica).await.unwrap();
    assert_eq!(start("three").await.condition(), Condition::Clean);
}
