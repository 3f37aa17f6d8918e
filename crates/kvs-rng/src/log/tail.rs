//! Rows of entities to read from: committed ones, and those at the log's tail.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::entity::Scope;
use kvs_core::limits::check_partition;
use kvs_core::{Batch, CallOptions, Dba, DbaError, Key, Page, Result, Scan};

use super::bucket::BucketLog;
use super::driver::Driver;
use super::rows;

/// The committed rows of the entities that this node holds, as they are here. Reading only.
#[derive(Clone)]
pub(super) struct CommittedRows {
    pub(super) driver: Arc<Driver>,
}

/// The rows as the next command at their owner sees them: over the committed ones those that are on
/// their way. Reading only.
#[derive(Clone)]
pub(super) struct TailRows {
    pub(super) driver: Arc<Driver>,
}

impl CommittedRows {
    async fn of(&self, name: &[u8]) -> Result<Arc<BucketLog>> {
        self.driver.bucket_of(name).await
    }
}

fn refused<T>() -> Result<T> {
    Err(DbaError::Unsupported { operation: "a write", on: "but through a command of the entity" })
}

#[async_trait]
impl Dba for CommittedRows {
    async fn get_with(&self, key: &Key, _: &CallOptions) -> Result<Option<Vec<u8>>> {
        key.check()?;
        let bucket = self.of(key.partition()).await?;
        let driver = &self.driver;
        loop {
            let generation = bucket.now().generation;
            let clock = &*driver.env.clock;
            let found = rows::get(&driver.raw, clock, bucket.id, generation, key).await?;
            // A snapshot that was put in place meanwhile has taken the rows away.
            if bucket.now().generation == generation {
                return Ok(found);
            }
        }
    }

    async fn put_with(&self, _: &Key, _: Vec<u8>, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn delete_with(&self, _: &Key, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn write_with(&self, _: &[u8], _: Batch, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn scan_with(&self, partition: &[u8], scan: &Scan, _: &CallOptions) -> Result<Page> {
        check_partition(partition)?;
        let bucket = self.of(partition).await?;
        let driver = &self.driver;
        loop {
            let generation = bucket.now().generation;
            let clock = &*driver.env.clock;
            let page =
                rows::scan(&driver.raw, clock, bucket.id, generation, partition, scan).await?;
            if bucket.now().generation == generation {
                return Ok(page);
            }
        }
    }
}

impl TailRows {
    fn committed(&self) -> CommittedRows {
        CommittedRows { driver: self.driver.clone() }
    }
}

#[async_trait]
impl Dba for TailRows {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        key.check()?;
        let bucket = self.driver.bucket_of(key.partition()).await?;
        // First what lies over the rows: what has gone from there is among them.
        let over = bucket.lock().overlay.get(key.partition(), key.clustering());
        match over {
            Some(value) => Ok(value),
            None => self.committed().get_with(key, options).await,
        }
    }

    async fn put_with(&self, _: &Key, _: Vec<u8>, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn delete_with(&self, _: &Key, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn write_with(&self, _: &[u8], _: Batch, _: &CallOptions) -> Result<()> {
        refused()
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        let bucket = self.driver.bucket_of(partition).await?;
        let over = bucket.lock().overlay.of(partition);
        if over.is_empty() {
            return self.committed().scan_with(partition, scan, options).await;
        }
        let committed = Arc::new(self.committed());
        Scope::over(partition, committed, over).scan_with(partition, scan, options).await
    }
}
