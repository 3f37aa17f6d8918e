//! What outlives a process, and what a node may be asked after it.

use kvs_core::Order;
use kvs_core::scan::Range;

use super::*;

const ALL: Range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);

/// Starts in the run `boot` of the system.
async fn start(store: &Store, boot: &str, durable: bool) -> Replica {
    let boot = Some(boot.to_owned()).filter(|boot| !boot.is_empty());
    Replica::open(store, id(1), clock().0, boot, durable).await.unwrap()
}

async fn mint(replica: &Replica, value: &str) -> Result<Versions, ReplicaError> {
    let items = replica.mint(BUCKET, b"p", vec![Write::put("a", value)]).await?;
    Ok(items.into_iter().next().unwrap().versions)
}

#[tokio::test]
async fn counting_goes_on_behind_the_last_block() {
    let store = Store::memory();
    let count = |versions: Versions| versions.context().counter(id(1));
    let first = open(&store, 1).await;
    assert_eq!(count(mint(&first, "1").await.unwrap()), 1);
    assert_eq!(count(mint(&first, "2").await.unwrap()), 2);
    let second = open(&store, 1).await;
    assert_eq!(count(mint(&second, "3").await.unwrap()), DOTS_RESERVED + 1);
    drop(second.inner().dots.take(DOTS_RESERVED as usize).await.unwrap());
    assert_eq!(count(mint(&second, "4").await.unwrap()), 2 * DOTS_RESERVED + 2);
    let third = open(&store, 1).await;
    assert_eq!(count(mint(&third, "5").await.unwrap()), 3 * DOTS_RESERVED + 1);
}

#[tokio::test]
async fn rows_and_leaves_are_read_again() {
    let store = Store::memory();
    let first = open(&store, 1).await;
    assert!(first.is_empty().await.unwrap());
    for row in 0..100_u8 {
        first.mint(BUCKET, b"p", vec![Write::put([row], "value")]).await.unwrap();
    }
    let leaves = first.digests(BUCKET).await.unwrap();
    let second = open(&store, 1).await;
    assert!(!second.is_empty().await.unwrap());
    assert_eq!(second.digests(BUCKET).await.unwrap(), leaves);
    assert_eq!(all(&second, BUCKET).await, all(&first, BUCKET).await);
    // A write of a bucket that was not asked for yet.
    let third = open(&store, 1).await;
    third.mint(BUCKET, b"p", vec![Write::delete([0])]).await.unwrap();
    assert_no_drift(&third, BUCKET).await;
    assert_eq!(third.digests(BUCKET).await.unwrap().differing(&leaves).count(), 1);
}

#[tokio::test]
async fn only_a_lost_run_needs_recovery() {
    // The run before: its system's boot, whether durable; the run after; what is expected.
    let cases = [
        (("one", false), ("one", false), Condition::Clean),
        (("one", false), ("two", false), Condition::Recovering),
        (("one", false), ("two", true), Condition::Recovering),
        (("one", true), ("one", true), Condition::Clean),
        (("one", true), ("two", false), Condition::CatchingUp),
        (("", false), ("two", false), Condition::Recovering),
        (("one", false), ("", false), Condition::Recovering),
        (("", false), ("", false), Condition::Recovering),
        (("", true), ("", false), Condition::CatchingUp),
    ];
    for (before, after, expected) in cases {
        let store = Store::memory();
        assert_eq!(start(&store, before.0, before.1).await.condition(), Condition::Clean);
        let found = start(&store, after.0, after.1).await.condition();
        assert_eq!(found, expected, "{before:?}, then {after:?}");

        let store = Store::memory();
        start(&store, before.0, before.1).await.close().await.unwrap();
        assert_eq!(start(&store, after.0, after.1).await.condition(), Condition::Clean);
    }
}

/// What a killed process wrote may not be on disk when a durable one goes on.
#[tokio::test]
async fn a_run_is_as_durable_as_the_killed_one_before_it() {
    let store = Store::memory();
    start(&store, "one", false).await;
    assert_eq!(start(&store, "one", true).await.condition(), Condition::Clean);
    assert_eq!(start(&store, "two", true).await.condition(), Condition::Recovering);
}

#[tokio::test]
async fn a_recovering_bucket_takes_what_others_send() {
    let store = Store::memory();
    let replica = start(&store, "one", false).await;
    mint(&replica, "1").await.unwrap();
    let replica = start(&store, "two", false).await;
    let key = Key::new("p", "a");

    let errors = [
        mint(&replica, "2").await.map(drop),
        replica.get(BUCKET, &key).await.map(drop),
        replica.scan(BUCKET, b"p", &ALL, Order::Ascending, 9, 99).await.map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(matches!(error, ReplicaError::Recovering { bucket: BUCKET }), "{error:?}");
        assert!(error.is_retryable() && error.outcome() == kvs_core::Outcome::NotApplied);
    }
    let other = open(&Store::memory(), 2).await;
    let items = other.mint(BUCKET, b"p", vec![Write::put("a", "other")]).await.unwrap();
    assert!(replica.store(BUCKET, items).await.unwrap());
    assert_eq!(all(&replica, BUCKET).await.len(), 1);
    assert_no_drift(&replica, BUCKET).await;

    replica.recovered(BUCKET);
    let held = replica.get(BUCKET, &key).await.unwrap();
    assert_eq!(values(&held), [Some(&b"1"[..]), Some(b"other")]);
    assert_eq!(values(&mint(&replica, "2").await.unwrap()), [Some(&b"2"[..])]);
    assert!(replica.get(Bucket(BUCKET.0 + 256), &key).await.is_err());
    assert_eq!(replica.condition(), Condition::Recovering);
}

#[tokio::test]
async fn recovery_ends_only_when_it_is_said() {
    let store = Store::memory();
    start(&store, "one", false).await;
    let second = start(&store, "two", false).await;
    second.recovered(BUCKET);
    second.close().await.unwrap();
    // One bucket alone is not all, nor is the same run of the system a reason to trust it.
    let third = start(&store, "two", true).await;
    assert_eq!(third.condition(), Condition::Recovering);
    third.recovered_all().await.unwrap();
    assert_eq!(third.condition(), Condition::Clean);
    assert!(third.get(BUCKET, &"p".into()).await.unwrap().is_empty());
    assert_eq!(start(&store, "two", true).await.condition(), Condition::Clean);
}

#[tokio::test]
async fn a_closed_replica_refuses() {
    let store = Store::memory();
    let replica = open(&store, 1).await;
    let items = replica.mint(BUCKET, b"p", vec![Write::put("a", "1")]).await.unwrap();
    replica.close().await.unwrap();
    let errors = [
        mint(&replica, "2").await.map(drop),
        replica.store(BUCKET, items).await.map(drop),
        replica.get(BUCKET, &"p".into()).await.map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(matches!(error, ReplicaError::Closed), "{error:?}");
    }
    replica.close().await.unwrap();
}

#[tokio::test]
async fn an_old_folder_is_found_by_the_key_that_is_written() {
    let store = Store::memory();
    let replica = open(&store, 1).await;
    // As an earlier life of the node left it, whose counter is gone.
    let mut versions = Versions::default();
    let write = Sibling::new(Dot::new(id(1), 9), Timestamp::from_ms(NOW_MS), "early");
    versions.write(write, None).unwrap();
    let key = Key::new("p", "a");
    let early = Item { key: key.clone(), versions };
    assert!(replica.store(BUCKET, vec![early.clone()]).await.unwrap());
    assert_eq!(replica.condition(), Condition::OldFolder);

    let error = mint(&replica, "late").await.unwrap_err();
    assert!(matches!(error, ReplicaError::OldFolder { .. }), "{error:?}");
    assert!(!error.is_retryable() && error.to_string().contains("old copy"), "{error}");
    assert_eq!(all(&replica, BUCKET).await, [early]);
    assert_eq!(replica.condition(), Condition::OldFolder);
}

#[tokio::test]
async fn an_old_folder_is_found_by_what_others_know() {
    let store = Store::memory();
    let replica = start(&store, "one", true).await;
    let mut versions = Versions::default();
    let dot = Dot::new(id(1), DOTS_RESERVED + 1);
    versions.write(Sibling::tombstone(dot, Timestamp::from_ms(NOW_MS)), None).unwrap();
    let key = Key::new("p", "z");
    // It is stored, and then nothing rests on this folder any more.
    assert!(replica.store(BUCKET, vec![Item { key: key.clone(), versions }]).await.unwrap());
    for replica in [replica, start(&store, "one", true).await] {
        assert_eq!(replica.condition(), Condition::OldFolder);
        assert_eq!(all(&replica, BUCKET).await.len(), 1);
        for error in [
            mint(&replica, "1").await.map(drop).unwrap_err(),
            replica.get(BUCKET, &key).await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, ReplicaError::OldFolder { .. }), "{error:?}");
        }
        // A clean end doesn't make it a good one.
        replica.close().await.unwrap();
    }
}
