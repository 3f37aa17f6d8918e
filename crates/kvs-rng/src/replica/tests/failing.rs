//! Engines that fail.

use std::sync::atomic::Ordering;

use kvs_core::Outcome;
use proptest::prelude::*;

use super::disk::{Disk, Writes};
use super::*;

#[tokio::test]
async fn a_small_write_costs_one_read_and_one_write() {
    let disk = Disk::default();
    let replica = open(&disk.store(), 1).await;
    replica.mint(BUCKET, b"p", vec![Write::put("warm", "up")]).await.unwrap();
    let count = || {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::SeqCst);
        [count(&disk.gauge.gets), count(&disk.gauge.writes), count(&disk.gauge.synced)]
    };
    let [gets, writes, synced] = count();
    for n in 1..=10 {
        replica.mint(BUCKET, b"p", vec![Write::put("a", "b")]).await.unwrap();
        assert_eq!(count(), [gets + n, writes + n, synced]);
    }
    let [gets, writes, _] = count();
    let held = all(&replica, BUCKET).await;
    assert!(!replica.store(BUCKET, held).await.unwrap());
    assert_eq!(count(), [gets + 2, writes, synced]);
}

#[tokio::test]
async fn a_write_that_is_refused_leaves_nothing_behind() {
    let disk = Disk::default();
    let replica = open(&disk.store(), 1).await;
    replica.mint(BUCKET, b"p", vec![Write::put("a", "1")]).await.unwrap();
    let before = (all(&replica, BUCKET).await, replica.digests(BUCKET).await.unwrap());
    disk.writes(Writes::Refuse);
    let writes = vec![Write::put("a", "2"), Write::put("b", "2")];
    let error = replica.mint(BUCKET, b"p", writes).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(before, (all(&replica, BUCKET).await, replica.digests(BUCKET).await.unwrap()));
}

#[tokio::test]
async fn dots_that_can_not_be_reserved_are_not_given() {
    let disk = Disk::default();
    let replica = open(&disk.store(), 1).await;
    let dots = &replica.inner().dots;
    drop(dots.take(DOTS_RESERVED as usize - 1).await.unwrap());
    for next in [Writes::Lose, Writes::KeepSecret] {
        disk.writes(next);
        let writes = vec![Write::put("a", "1"), Write::put("b", "1")];
        let error = replica.mint(BUCKET, b"p", writes).await.unwrap_err();
        // The disk is silent about the counter; the write was not begun.
        assert!(matches!(error, ReplicaError::NotBegun(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert_eq!(dots.reserved(), DOTS_RESERVED);
    }
    disk.writes(Writes::Work);
    let item = replica.mint(BUCKET, b"p", vec![Write::put("a", "2")]).await.unwrap().remove(0);
    assert_eq!(item.versions.context().counter(id(1)), DOTS_RESERVED);
    assert!(all(&replica, BUCKET).await == [item]);
}

#[derive(Clone, Debug)]
enum Step {
    Mint(u8),
    Store(u8),
    Digests,
}

proptest! {
    #[test]
    fn rows_and_leaves_never_disagree(
        steps in prop::collection::vec(
            (0..4_u8, prop_oneof![
                4 => (0..5_u8).prop_map(Step::Mint),
                4 => (0..5_u8).prop_map(Step::Store),
                1 => Just(Step::Digests),
            ]),
            0..40,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (disk, mut sent) = (Disk::default(), 0);
            let replica = open(&disk.store(), 1).await;
            for (next, step) in steps {
                let next =
                    [Writes::Work, Writes::Refuse, Writes::Lose, Writes::KeepSecret][next as usize];
                disk.writes(next);
                sent += 1;
                let before = all(&replica, BUCKET).await;
                let done = match step {
                    Step::Mint(row) => {
                        let write = Write::put([row], [sent]);
                        replica.mint(BUCKET, b"p", vec![write]).await.map(drop)
                    }
                    Step::Store(row) => {
                        let mut versions = Versions::default();
                        let dot = Dot::new(id(2), u64::from(sent));
                        let write = Sibling::new(dot, Timestamp::from_ms(NOW_MS), [sent]);
                        versions.write(write, None).unwrap();
                        let key = Key::new("p", [row]);
                        replica.store(BUCKET, vec![Item { key, versions }]).await.map(drop)
                    }
                    Step::Digests => {
                        assert_no_drift(&replica, BUCKET).await;
                        continue;
                    }
                };
                let is_same = before == all(&replica, BUCKET).await;
                match next {
                    Writes::Work => assert!(done.is_ok() && !is_same),
                    Writes::Refuse => {
                        assert_eq!(done.unwrap_err().outcome(), Outcome::NotApplied);
                        assert!(is_same);
                    }
                    Writes::Lose | Writes::KeepSecret => {
                        assert_eq!(done.unwrap_err().outcome(), Outcome::Unknown);
                        assert_eq!(is_same, next == Writes::Lose);
                    }
                }
            }
            assert_no_drift(&replica, BUCKET).await;
            disk.writes(Writes::Work);
            assert_no_drift(&open(&disk.store(), 1).await, BUCKET).await;
        });
    }
}
