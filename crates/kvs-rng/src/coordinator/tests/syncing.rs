//! Disks that take their time, on nodes that sync each write before they acknowledge it.

use kvs_core::engine::WriteSet;
use kvs_core::{DbaError, Order, Outcome, RowKind};
use tokio::task::JoinHandle;

use super::*;
use crate::replica::tests::disk::Disk;
use crate::replica::{Condition, Write};
use crate::version::VersionVector;

async fn durable() -> (Cluster, Vec<Disk>) {
    let disks: Vec<_> = (0..3).map(|_| Disk::default()).collect();
    let stores = disks.iter().map(Disk::durable).collect();
    (Cluster::on(stores, "3,2,2", PATIENCE).await, disks)
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

fn putting(cluster: &Cluster, n: usize, key: &'static str) -> JoinHandle<kvs_core::Result<()>> {
    let ring = cluster.rings[n].clone();
    kvs_core::env::spawn(async move { put(&ring, key, "value").await })
}

#[tokio::test]
async fn the_minter_syncs_while_the_others_do() {
    let (cluster, disks) = durable().await;
    let minter = cluster.replicas("a")[0];
    disks[minter].hold_syncs();
    // Two others have it for good: enough, whatever becomes of the minter.
    put(&cluster.rings[minter], "a", "value").await.unwrap();
    assert_eq!(disks[minter].syncs().ended, 0);
    disks[minter].release_syncs();
    assert_eq!(get(&cluster.rings[minter], "a").await.as_deref(), Some("value"));
}

#[tokio::test]
async fn a_put_waits_for_as_many_syncs_as_the_quorum_says() {
    let (cluster, disks) = durable().await;
    let minter = cluster.replicas("a")[0];
    for first in 0..3 {
        disks.iter().for_each(Disk::hold_syncs);
        let before: Vec<_> = disks.iter().map(|disk| disk.syncs().begun).collect();
        let put = putting(&cluster, minter, "a");
        until(async || (0..3).all(|n| disks[n].syncs().begun > before[n])).await;
        assert!(!put.is_finished());
        disks[first].release_syncs();
        until(async || disks[first].syncs().ended > before[first]).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!put.is_finished(), "one of three has it for good");
        disks[(first + 1) % 3].release_syncs();
        put.await.unwrap().unwrap();
        disks.iter().for_each(Disk::release_syncs);
        let is_idle = |disk: &Disk| disk.syncs().begun == disk.syncs().ended;
        cluster.settled(&Key::from("a")).await;
        until(async || disks.iter().all(is_idle)).await;
    }
}

#[tokio::test]
async fn a_minter_whose_sync_fails_counts_for_nothing() {
    for others_that_fail in [0, 1] {
        let (cluster, disks) = durable().await;
        let replicas = cluster.replicas("a");
        for failing in &replicas[..=others_that_fail] {
            disks[*failing].fail_syncs();
        }
        let minter = replicas[0];
        let written = put(&cluster.rings[minter], "a", "value").await;
        if others_that_fail == 0 {
            written.unwrap();
        } else {
            let error = written.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            let DbaError::Quorum { needed: 2, failed, .. } = &error else { panic!("{error}") };
            for failing in &replicas[..2] {
                let id = cluster.ids[*failing].to_string();
                let said = failed.iter().find(|it| it.contains(&id)).unwrap();
                assert!(said.contains("the disk is silent"), "{said}");
            }
        }
        until(async || disks[minter].syncs().ended == 1).await;
        // Another one mints the next write; the others are two only if neither failed.
        let next = put(&cluster.rings[minter], "a", "next").await;
        assert_eq!(next.is_ok(), others_that_fail == 0, "{next:?}");
        let id = cluster.ids[minter];
        assert!(!cluster.coordinator(minter).hints().counts().await.contains_key(&id));
    }
}

/// A store with the same rows.
async fn copy(store: &Store) -> Store {
    let copied = Store::memory();
    for kind in RowKind::ALL {
        let start = std::ops::Bound::Included(vec![kind as u8]);
        let end = std::ops::Bound::Excluded(vec![kind as u8 + 1]);
        let raw = store.raw();
        let rows = raw.scan((start, end), Order::Ascending, usize::MAX, usize::MAX).await.unwrap();
        let mut writes = WriteSet::default();
        rows.iter().for_each(|row| writes.stored(&row.key, Some(&row.value)));
        copied.raw().write(writes).await.unwrap();
    }
    copied
}

/// Writes what replaces nothing.
async fn beside(ring: &Ring, partition: &str, value: &str) {
    let write = Write { seen: Some(VersionVector::default()), ..Write::put("", value) };
    ring.coordinator().write(partition.as_bytes(), vec![write], &options()).await.unwrap();
}

/// Power goes after the others have a write and before its minter has synced it.
#[tokio::test(start_paused = true)]
async fn a_lost_mint_is_not_minted_over() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let key = Key::from("a");
    let before = copy(&cluster.stores[0]).await;
    beside(&cluster.rings[0], "a", "lost").await;
    let lost = cluster.settled(&key).await.siblings()[0].dot;
    assert_eq!(lost.node, cluster.ids[0]);
    cluster.stores[0] = before;
    cluster.rings[0] = cluster.start(0, None).await;
    let replica = cluster.coordinator(0).replica().clone();
    assert_eq!(replica.condition(), Condition::CatchingUp);
    assert!(cluster.held(0, &key).await.is_empty());

    // Somebody else mints for it meanwhile.
    beside(&cluster.rings[0], "a", "meanwhile").await;
    let both = cluster.settled(&key).await;
    assert!(both.siblings().len() == 2 && both.context().counter(lost.node) == lost.counter);
    cluster.rings[0] = cluster.start(0, None).await;
    let _recovering = cluster.coordinator(0).recovering();
    until(async || cluster.coordinator(0).replica().condition() == Condition::Clean).await;
    beside(&cluster.rings[0], "a", "after").await;
    let siblings = cluster.settled(&key).await;
    let mut values: Vec<_> = siblings.siblings().iter().map(|it| it.value.clone()).collect();
    values.sort();
    let expected = ["after", "lost", "meanwhile"].map(|value| Some(value.into()));
    assert_eq!(values, expected);
    let newest = siblings.siblings().iter().max_by_key(|it| it.timestamp).unwrap();
    assert_eq!(newest.dot.node, cluster.ids[0]);
}

/// All lose power, and one does not come back: the others serve, as each has what it acknowledged.
#[tokio::test(start_paused = true)]
async fn two_of_three_that_lost_power_go_on() {
    let mut cluster = Cluster::new(3, "3,2,2").await;
    let before = copy(&cluster.stores[0]).await;
    put(&cluster.rings[0], "a", "lost by its minter").await.unwrap();
    cluster.settled(&Key::from("a")).await;
    cluster.stores[0] = before;
    cluster.isolate(2, Link::Silent);
    cluster.gossip_down(2);
    for n in 0..2 {
        cluster.rings[n] = cluster.start(n, None).await;
    }
    assert_eq!(get(&cluster.rings[0], "a").await.as_deref(), Some("lost by its minter"));
    let _recovering = [0, 1].map(|n| cluster.coordinator(n).recovering());
    for n in 0..2 {
        until(async || cluster.coordinator(n).replica().condition() == Condition::Clean).await;
        put(&cluster.rings[n], "a", "new").await.unwrap();
    }
    let dot = cluster.held(1, &Key::from("a")).await.siblings()[0].dot;
    assert_eq!(dot.node, cluster.ids[1]);
}
