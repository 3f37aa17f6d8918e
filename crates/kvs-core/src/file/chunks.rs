//! The rows of chunks.
//!
//! ```text
//! partition:  run id (16 bytes), group (u64, big-endian)
//! clustering: chunk in the group (one byte, 0 to 63)
//! value:      the bytes
//! ```
//!
//! A group is a partition, so that on a cluster a large file spreads over all nodes.

use std::sync::Arc;

use super::rows::Id;
use crate::batch::Batch;
use crate::dba::Dba;
use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::scan::Scan;

/// Chunks of a run in one partition.
const GROUP_CHUNKS: u64 = 64;

/// The store of chunks.
#[derive(Clone)]
pub(super) struct Chunks(Arc<dyn Dba>);

impl Chunks {
    pub(super) fn new(dba: Arc<dyn Dba>) -> Self {
        Self(dba)
    }

    pub(super) async fn put(&self, run: Id, chunk: u64, bytes: Vec<u8>) -> Result<()> {
        self.0.put(&key(run, chunk), bytes).await
    }

    pub(super) async fn get(&self, run: Id, chunk: u64) -> Result<Option<Vec<u8>>> {
        self.0.get(&key(run, chunk)).await
    }

    /// How many chunks of a run there are, if nobody says. They were written in order, so there are
    /// none behind a gap.
    pub(super) async fn count(&self, run: Id) -> Result<u64> {
        let last = Scan::all().descending().limit(1);
        let mut chunks = 0;
        loop {
            let page = self.0.scan(&partition(run, chunks / GROUP_CHUNKS), &last).await?;
            let in_group = match page.first().map(|row| row.clustering) {
                None => 0,
                Some(&[index]) => u64::from(index) + 1,
                Some(_) => return Err(DbaError::decode("chunk", "its key is not an index")),
            };
            chunks += in_group;
            if in_group != GROUP_CHUNKS {
                return Ok(chunks);
            }
        }
    }

    /// Removes the first `chunks` chunks of a run, from the last one down: whatever stops it, those
    /// that are left can still be counted.
    pub(super) async fn remove(&self, run: Id, chunks: u64) -> Result<()> {
        for group in (0..chunks.div_ceil(GROUP_CHUNKS)).rev() {
            let first = group * GROUP_CHUNKS;
            let batch = (first..chunks.min(first + GROUP_CHUNKS))
                .fold(Batch::new(), |batch, chunk| batch.delete(clustering(chunk)));
            self.0.write(&partition(run, group), batch).await?;
        }
        Ok(())
    }
}

fn key(run: Id, chunk: u64) -> Key {
    Key::new(partition(run, chunk / GROUP_CHUNKS), clustering(chunk))
}

fn partition(run: Id, group: u64) -> Vec<u8> {
    [run.0.as_slice(), &group.to_be_bytes()].concat()
}

fn clustering(chunk: u64) -> [u8; 1] {
    [(chunk % GROUP_CHUNKS) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_stay_as_they_are() {
        let key = key(Id([7; 16]), 64 * 258 + 3);
        assert_eq!(key.partition(), [&[7; 16][..], &[0, 0, 0, 0, 0, 0, 1, 2]].concat());
        assert_eq!(key.clustering(), [3]);
    }
}
