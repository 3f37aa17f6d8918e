//! Stored keys and values as they are.

use std::ops::ControlFlow;

use super::{Durability, Store};
use crate::dba::StoredRow;
use crate::engine::WriteSet;
use crate::error::Result;
use crate::options::CallOptions;
use crate::scan::{Order, Range, is_empty};

/// A store below the contract of [`Dba`](crate::Dba): stored keys, stored values, and batches across
/// kinds. For a layer that brings its own layout, as the ring does for replicas.
///
/// A key begins with the byte of its [`RowKind`](crate::RowKind), and a range lies within one kind.
#[derive(Clone)]
pub struct Raw {
    store: Store,
}

impl Raw {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The value of a key.
    pub async fn get(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let options = CallOptions::default();
        let get = self.store.run("get", &options, move |engine, wait| {
            let mut found = None;
            engine.get(&key, wait, &mut |value| found = Some(value.to_vec()))?;
            Ok(found)
        });
        get.await
    }

    /// Applies all writes or none.
    pub async fn write(&self, writes: WriteSet) -> Result<()> {
        self.store.write("write", writes, &CallOptions::default()).await
    }

    /// Applies all writes or none, and waits for no sync. They are visible when this returns; as safe as
    /// the store's durability says once a call of [`synced`](Self::synced) that began after it returns.
    pub async fn write_unsynced(&self, writes: WriteSet) -> Result<()> {
        self.store.apply("write", writes, false, &CallOptions::default()).await
    }

    /// Waits until all that was written before is as safe as the store's durability says: with
    /// [`Durability::Always`] until it is synced, in one sync with what others wait for; otherwise it
    /// is so at once.
    ///
    /// # Errors
    /// The sync failed, now or earlier. What was written is visible, and may not survive the loss of
    /// power: *unknown*. The store takes no writes any more.
    pub async fn synced(&self) -> Result<()> {
        match self.store.durability {
            Durability::Always => self.store.syncs.wait().await,
            Durability::Interval | Durability::Os => Ok(()),
        }
    }

    /// Rows of `range` in `order`: at most `rows` of them, and no more once they hold `bytes`
    /// bytes. Fewer than asked for may be left out only for their bytes: go on behind the last one
    /// until nothing comes back.
    pub async fn scan(
        &self,
        range: Range,
        order: Order,
        rows: usize,
        bytes: usize,
    ) -> Result<Vec<StoredRow>> {
        if rows == 0 || is_empty(&range) {
            return Ok(Vec::new());
        }
        let options = CallOptions::default();
        let scan = self.store.run("scan", &options, move |engine, wait| {
            let mut found = Vec::new();
            let mut size = 0;
            engine.scan(&range, order, wait, &mut |key, value| {
                size += key.len() + value.len();
                found.push(StoredRow { key: key.to_vec(), value: value.to_vec() });
                if found.len() < rows && size < bytes {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            Ok(found)
        });
        scan.await
    }

    /// Deletes all rows of `range`, a page at a time, and gives their number.
    pub async fn delete_range(&self, range: Range) -> Result<u64> {
        self.store.delete_range("delete", range).await
    }
}
