//! Giving back the room of removed entries.

use kvs_core::{Batch, Op, Result, Scan, Value};
use serde::{Deserialize, Serialize};

use crate::entry::{Eid, MARKS, at_or_below, entry_key, mark_eid};
use crate::feed::Feed;

/// How many entries one step deletes.
const STEP: usize = 1_000;

/// What a step of [`Feed::cleanup_step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// Entries whose rows were deleted.
    pub entries: u64,
    /// Whether there is more to delete.
    pub more: bool,
}

impl<T: Value> Feed<T> {
    /// Deletes the rows of all entries that were removed, and gives their number.
    ///
    /// It works in steps of 1,000 entries, each one batch: after an error some are deleted and some
    /// are not, and calling it again goes on. Nothing changes for readers.
    pub async fn cleanup(&self) -> Result<u64> {
        let mut entries = 0;
        loop {
            let step = self.cleanup_step().await?;
            entries += step.entries;
            if !step.more {
                return Ok(entries);
            }
        }
    }

    /// One step of [`cleanup`](Self::cleanup): at most 1,000 entries, in one batch.
    pub async fn cleanup_step(&self) -> Result<Cleaned> {
        let floor = Eid(self.state().await?.floor);
        let marks = self.scan(&Scan::prefix(MARKS).limit(STEP)).await?;
        if marks.is_empty() {
            let cleared = self.scan(&Scan::range(at_or_below(floor)).limit(STEP)).await?;
            let more = cleared.resume.is_some();
            return self.delete(cleared.rows().map(|row| row.clustering.to_vec()), 1, more).await;
        }
        let mut keys = Vec::with_capacity(2 * marks.len());
        for mark in marks.rows() {
            keys.push(entry_key(mark_eid(mark.clustering)?));
            keys.push(mark.clustering.to_vec());
        }
        self.delete(keys.into_iter(), 2, true).await
    }

    async fn delete(
        &self,
        keys: impl Iterator<Item = Vec<u8>>,
        keys_per_entry: usize,
        more: bool,
    ) -> Result<Cleaned> {
        let mut batch = Batch::new();
        batch.extend(keys.map(|clustering| Op::Delete { clustering }));
        let entries = (batch.len() / keys_per_entry) as u64;
        self.dba.write(&self.name, batch).await?;
        Ok(Cleaned { entries, more })
    }
}
