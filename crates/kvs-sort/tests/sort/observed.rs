//! A store that counts what it is asked for, and lets others run in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use kvs_core::{Batch, CallOptions, Dba, Key, Page, Result, Scan};

/// Passes everything on to another store.
pub(crate) struct Observed {
    dba: Arc<dyn Dba>,
    pub(crate) gets: AtomicU64,
    pub(crate) scans: AtomicU64,
    pub(crate) rows_scanned: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) rows_written: AtomicU64,
}

impl Observed {
    pub(crate) fn new(dba: Arc<dyn Dba>) -> Arc<Self> {
        let zero = AtomicU64::default;
        Arc::new(Self {
            dba,
            gets: zero(),
            scans: zero(),
            rows_scanned: zero(),
            batches: zero(),
            rows_written: zero(),
        })
    }

    /// Gets, scans, rows scanned, batches and rows written since the last call.
    pub(crate) fn take(&self) -> [u64; 5] {
        [&self.gets, &self.scans, &self.rows_scanned, &self.batches, &self.rows_written]
            .map(|count| count.swap(0, Relaxed))
    }
}

#[async_trait]
impl Dba for Observed {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        tokio::task::yield_now().await;
        self.gets.fetch_add(1, Relaxed);
        self.dba.get_with(key, options).await
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        self.write_with(key.partition(), Batch::new().put(key.clustering(), value), options).await
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        self.write_with(key.partition(), Batch::new().delete(key.clustering()), options).await
    }

    async fn write_with(
        &self,
        partition: &[u8],
        batch: Batch,
        options: &CallOptions,
    ) -> Result<()> {
        tokio::task::yield_now().await;
        self.batches.fetch_add(1, Relaxed);
        self.rows_written.fetch_add(batch.len() as u64, Relaxed);
        self.dba.write_with(partition, batch, options).await
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        tokio::task::yield_now().await;
        let page = self.dba.scan_with(partition, scan, options).await?;
        self.scans.fetch_add(1, Relaxed);
        self.rows_scanned.fetch_add(page.len() as u64, Relaxed);
        Ok(page)
    }
}
