//! Ranges of stored keys, across partitions.

use std::ops::ControlFlow;

use super::Store;
use crate::engine::WriteSet;
use crate::error::Result;
use crate::options::CallOptions;
use crate::scan::{Order, Range};

/// How many keys are deleted in one batch.
const DELETE_PAGE: usize = 1_000;

impl Store {
    /// Up to `limit` stored keys in `range` whose stored values are to `keep`, in ascending order.
    pub(super) async fn stored_keys(
        &self,
        operation: &'static str,
        range: Range,
        limit: usize,
        keep: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Result<Vec<Vec<u8>>> {
        self.run(operation, &CallOptions::default(), move |engine, wait| {
            let mut keys = Vec::new();
            engine.scan(&range, Order::Ascending, wait, &mut |key, value| {
                if keep(value) {
                    keys.push(key.to_vec());
                }
                if keys.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            Ok(keys)
        })
        .await
    }

    /// Deletes all rows in `range`, a page at a time, and gives their number.
    pub(super) async fn delete_range(&self, operation: &'static str, range: Range) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let keys = self.stored_keys(operation, range.clone(), DELETE_PAGE, |_| true).await?;
            let mut deletes = WriteSet::default();
            for key in &keys {
                deletes.stored(key, None);
            }
            self.write(operation, deletes, &CallOptions::default()).await?;
            deleted += keys.len() as u64;
            if keys.len() < DELETE_PAGE {
                return Ok(deleted);
            }
        }
    }
}
