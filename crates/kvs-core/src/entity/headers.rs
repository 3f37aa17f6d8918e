//! The headers of entities that were changed lately.

use std::sync::Arc;

use async_trait::async_trait;
use quick_cache::sync::Cache;

use super::header;
use crate::batch::{Batch, Op};
use crate::dba::Dba;
use crate::error::Result;
use crate::key::Key;
use crate::options::CallOptions;
use crate::page::Page;
use crate::scan::Scan;

/// How many headers are kept.
const KEPT: usize = 4_096;
/// Headers above this size are not kept, so that all of them take some MiB at most.
const LONGEST: usize = 256;

/// The rows of entities, with the headers that were written last in memory: every command begins
/// with its entity's header.
pub(super) struct Headers {
    rows: Arc<dyn Dba>,
    /// Headers by the names of their entities.
    kept: Cache<Arc<[u8]>, Vec<u8>>,
}

impl Headers {
    pub(super) fn new(rows: Arc<dyn Dba>) -> Self {
        Self { rows, kept: Cache::new(KEPT) }
    }

    /// Writes to the entity `name`, on which nobody else writes meanwhile.
    pub(super) async fn write(&self, name: &Arc<[u8]>, writes: Batch) -> Result<()> {
        let header = written(&writes);
        let result = self.rows.write_with(name, writes, &CallOptions::default()).await;
        match header {
            Header::Untouched if result.is_ok() => {}
            Header::Set(bytes) if result.is_ok() => self.kept.insert(name.clone(), bytes),
            _ => drop(self.kept.remove(name)),
        }
        result
    }

    /// Forgets all headers, as somebody else has written to the rows.
    pub(super) fn forget(&self) {
        self.kept.clear();
    }
}

/// What a batch does to the header.
enum Header {
    Untouched,
    Set(Vec<u8>),
    /// It is deleted, or too long to be kept.
    Gone,
}

fn written(writes: &Batch) -> Header {
    writes.ops().iter().fold(Header::Untouched, |header, op| match op {
        Op::Put { clustering, value } if *clustering == header::CLUSTERING => {
            if value.len() <= LONGEST { Header::Set(value.clone()) } else { Header::Gone }
        }
        Op::Delete { clustering } if *clustering == header::CLUSTERING => Header::Gone,
        _ => header,
    })
}

#[async_trait]
impl Dba for Headers {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        if *key.clustering() == header::CLUSTERING
            && let Some(header) = self.kept.get(key.partition())
        {
            return Ok(Some(header));
        }
        self.rows.get_with(key, options).await
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        let put = self.rows.put_with(key, value, options).await;
        self.kept.remove(key.partition());
        put
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        let deleted = self.rows.delete_with(key, options).await;
        self.kept.remove(key.partition());
        deleted
    }

    async fn write_with(&self, name: &[u8], batch: Batch, options: &CallOptions) -> Result<()> {
        let written = self.rows.write_with(name, batch, options).await;
        self.kept.remove(name);
        written
    }

    async fn scan_with(&self, name: &[u8], scan: &Scan, options: &CallOptions) -> Result<Page> {
        self.rows.scan_with(name, scan, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{self, LocalEntities};
    use crate::{DbaError, RowKind, Store};

    /// Adds one to the number in the header and gives it.
    async fn add(entities: &LocalEntities) -> u64 {
        let options = CallOptions::default();
        let command = entity::run(entities, *b"e", &options, |scope| async move {
            let number: Option<u64> =
                header::load(&*scope, b"e", "counter", &CallOptions::default()).await?;
            let number = number.unwrap_or(0) + 1;
            let header = header::encode("counter", &number)?;
            scope.write(b"e", Batch::new().put(header::CLUSTERING, header)).await?;
            Ok::<u64, DbaError>(number)
        });
        command.await.unwrap()
    }

    #[tokio::test]
    async fn what_others_write_is_seen_after_forgetting() {
        let rows: Arc<dyn Dba> = Arc::new(Store::memory().rows(RowKind::Entity));
        let entities = LocalEntities::new(rows.clone());
        assert_eq!((add(&entities).await, add(&entities).await), (1, 2));
        let loaded = header::encode("counter", &7_u64).unwrap();
        rows.write(b"e", Batch::new().put(header::CLUSTERING, loaded)).await.unwrap();
        entities.forget();
        assert_eq!(add(&entities).await, 8);
        rows.write(b"e", Batch::new().delete(header::CLUSTERING)).await.unwrap();
        entities.forget();
        assert_eq!(add(&entities).await, 1);
    }

    #[tokio::test]
    async fn a_deleted_or_a_long_header_is_not_kept() {
        let headers = Headers::new(Arc::new(Store::memory().rows(RowKind::Entity)));
        let name: Arc<[u8]> = b"e".as_slice().into();
        let key = Key::new("e", header::CLUSTERING);
        for (value, kept) in [(vec![1; 8], 1), (vec![1; LONGEST + 1], 0), (vec![2], 1)] {
            let batch = Batch::new().put(header::CLUSTERING, value.clone());
            headers.write(&name, batch).await.unwrap();
            assert_eq!(headers.kept.len(), kept);
            assert_eq!(headers.get(&key).await.unwrap(), Some(value));
        }
        headers.write(&name, Batch::new().delete(header::CLUSTERING)).await.unwrap();
        assert_eq!(headers.get(&key).await.unwrap(), None);
        assert_eq!(headers.kept.len(), 0);
    }
}
