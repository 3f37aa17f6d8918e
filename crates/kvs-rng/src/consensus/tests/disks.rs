//! Disks that lose what was not synced, or break.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvs_core::engine::memory::Memory;
use kvs_core::engine::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use kvs_core::{Durability, Order, Range};

use super::*;

/// What is known of a disk from outside.
#[derive(Default)]
struct Gauge {
    synced: AtomicU64,
    unsynced: AtomicU64,
    broken: AtomicBool,
}

#[derive(Clone, Default)]
struct Disk {
    memory: Arc<Memory>,
    gauge: Arc<Gauge>,
}

impl Disk {
    fn store(&self) -> Store {
        Store::new(self.clone(), Durability::Os, Env::manual(0, 1).0)
    }
}

impl Engine for Disk {
    fn name(&self) -> &'static str {
        "test"
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        self.memory.get(key, wait, found)
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        if self.gauge.broken.load(Ordering::SeqCst) {
            return Err(EngineError::write("the disk is broken"));
        }
        let count = if sync { &self.gauge.synced } else { &self.gauge.unsynced };
        count.fetch_add(1, Ordering::SeqCst);
        self.memory.write(writes, sync, wait)
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        self.memory.scan(range, order, wait, visit)
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.memory.scan_all(visit)
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        self.memory.sync(wait)
    }

    fn compact(&self) -> EngineResult<()> {
        self.memory.compact()
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_is_synced() {
    let mut cluster = Cluster::new(1);
    cluster.config.snapshot_entries = 3;
    let disk = Disk::default();
    cluster.stores.insert(1, disk.store());
    cluster.start(1).await;
    cluster.node(1).found(first_layout(1, 1)).await.unwrap();
    for w in 1..=9 {
        let change = Change::SetQuorum(Quorum { n: 9, w, r: 9 });
        cluster.node(1).propose(&change, LONG).await.unwrap();
    }
    cluster.stop(1).await;
    force_voters(&cluster.stores[&1], id(1), address(1)).await.unwrap();
    assert!(disk.gauge.synced.load(Ordering::SeqCst) >= 20);
    assert_eq!(disk.gauge.unsynced.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_stops_its_node_alone() {
    let mut cluster = Cluster::of(1).await;
    let disk = Disk::default();
    cluster.stores.insert(2, disk.store());
    for n in 2..=3 {
        cluster.start(n).await;
        cluster.node(n).join(&member(n), &[address(1)], LONG).await.unwrap();
    }
    cluster.settled(1..=3).await;

    disk.gauge.broken.store(true, Ordering::SeqCst);
    let change = |w| Change::SetQuorum(Quorum { n: 3, w, r: 2 });
    cluster.node(3).propose(&change(2), LONG).await.unwrap();
    until("the node to stop", || cluster.status(2).stopped.is_some()).await;
    let said = cluster.node(2).propose(&change(3), LONG).await.unwrap_err();
    assert!(matches!(&said, ProposeError::Stopped(_)), "{said:?}");
    assert!(said.to_string().contains("the disk is broken"), "{said}");
    let after = cluster.node(1).propose(&change(3), LONG).await.unwrap();
    assert!(cluster.layout(2).version() < after.version());

    cluster.stop(2).await;
    disk.gauge.broken.store(false, Ordering::SeqCst);
    cluster.stores.insert(2, disk.store());
    cluster.start(2).await;
    until("it to catch up", || cluster.layout(2) == after).await;
}
