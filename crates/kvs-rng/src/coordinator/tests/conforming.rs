//! The ring keeps the contract of a store.

use std::sync::atomic::{AtomicUsize, Ordering};

use kvs_core::{Batch, Page, Scan, conformance};

use super::*;

/// Each call goes to another node.
struct InTurn {
    rings: Vec<Ring>,
    next: AtomicUsize,
}

impl InTurn {
    fn next(&self) -> &Ring {
        &self.rings[self.next.fetch_add(1, Ordering::SeqCst) % self.rings.len()]
    }
}

#[async_trait]
impl Dba for InTurn {
    async fn get_with(
        &self,
        key: &Key,
        options: &CallOptions,
    ) -> kvs_core::Result<Option<Vec<u8>>> {
        self.next().get_with(key, options).await
    }

    async fn put_with(
        &self,
        key: &Key,
        value: Vec<u8>,
        options: &CallOptions,
    ) -> kvs_core::Result<()> {
        self.next().put_with(key, value, options).await
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> kvs_core::Result<()> {
        self.next().delete_with(key, options).await
    }

    async fn write_with(
        &self,
        partition: &[u8],
        batch: Batch,
        options: &CallOptions,
    ) -> kvs_core::Result<()> {
        self.next().write_with(partition, batch, options).await
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> kvs_core::Result<Page> {
        self.next().scan_with(partition, scan, options).await
    }
}

/// Time stands still, so that no call can be late however slow the machine is.
#[tokio::test(start_paused = true)]
async fn three_nodes_keep_the_contract() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let in_turn = InTurn { rings: cluster.rings.clone(), next: AtomicUsize::new(0) };
    conformance::dba(Arc::new(in_turn)).await;
}

#[tokio::test(start_paused = true)]
async fn five_nodes_of_which_one_is_away_keep_the_contract() {
    let cluster = Cluster::new(5, "3,2,2").await;
    cluster.isolate(4, Link::Cut);
    cluster.gossip_down(4);
    let in_turn = InTurn { rings: cluster.rings[..4].to_vec(), next: AtomicUsize::new(0) };
    conformance::model(Arc::new(in_turn), 12, 7).await;
}

/// The same by real time and on several threads, where replicas race.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_nodes_that_race_keep_the_contract() {
    let cluster = Cluster::patient(3, "3,2,2", PATIENCE).await;
    let in_turn = InTurn { rings: cluster.rings.clone(), next: AtomicUsize::new(0) };
    conformance::dba(Arc::new(in_turn)).await;
}
