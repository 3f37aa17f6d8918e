//! Chunks of files on a ring.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::{Batch, CallOptions, Dba, Key, Page, Result, Scan};

/// What the partitions of chunks begin with on a ring, which tells rows apart by nothing else.
const PREFIX: &[u8] = b"\xffkvs/chunk/";

/// The chunks of files among the records of a ring.
pub(crate) struct Chunks(pub(crate) Arc<dyn Dba>);

fn partition(partition: &[u8]) -> Vec<u8> {
    [PREFIX, partition].concat()
}

fn key(key: &Key) -> Key {
    Key::new(partition(key.partition()), key.clustering())
}

#[async_trait]
impl Dba for Chunks {
    async fn get_with(&self, row: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        self.0.get_with(&key(row), options).await
    }

    async fn put_with(&self, row: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        self.0.put_with(&key(row), value, options).await
    }

    async fn delete_with(&self, row: &Key, options: &CallOptions) -> Result<()> {
        self.0.delete_with(&key(row), options).await
    }

    async fn write_with(&self, name: &[u8], batch: Batch, options: &CallOptions) -> Result<()> {
        self.0.write_with(&partition(name), batch, options).await
    }

    async fn scan_with(&self, name: &[u8], scan: &Scan, options: &CallOptions) -> Result<Page> {
        self.0.scan_with(&partition(name), scan, options).await
    }
}
