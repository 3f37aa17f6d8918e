//! Removing what no file uses any more.

use super::rows::{
    Extent, Garbage, Id, extent_key, extent_start, extents_key, garbage_id, garbage_key,
    garbages_key,
};
use super::{Files, Result};
use crate::codec::Value;
use crate::stream;

/// Extents that are forgotten in one command.
const EXTENTS: usize = 256;

/// What a [cleanup](Files::cleanup) removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// Runs: what single appends, puts and copies had brought.
    pub runs: u64,
    /// Chunks of these runs.
    pub chunks: u64,
}

impl Files {
    /// Removes the chunks of files that were deleted or replaced, of uploads that failed, and of
    /// those that gave no sign of life for the grace period.
    ///
    /// Costs what there is to remove, in small batches; reads and writes go on. After an error some
    /// of it is removed; the same call goes on. Two at a time do no harm.
    pub async fn cleanup(&self) -> Result<Cleaned> {
        let mut cleaned = Cleaned::default();
        let directory = self.directory();
        if !directory.exists().await? {
            return Ok(cleaned);
        }
        let mut garbage = directory
            .scan(garbages_key(), |row| Ok((garbage_id(row)?, Garbage::from_bytes(row.value)?)));
        while let Some((id, garbage)) = stream::next(&mut garbage).await.transpose()? {
            match garbage {
                Garbage::Dropped => self.remove_file(id, &mut cleaned).await?,
                Garbage::Abandoned => self.remove_run(id, &mut cleaned).await?,
                Garbage::Pending { .. } => {
                    if self.is_overdue(&garbage) && self.abandon_overdue(id).await? {
                        self.remove_run(id, &mut cleaned).await?;
                    }
                }
            }
        }
        Ok(cleaned)
    }

    /// Removes a run whose length nobody knows.
    async fn remove_run(&self, run: Id, cleaned: &mut Cleaned) -> Result<()> {
        let chunks = self.chunks.count(run).await?;
        // One more: a write that failed with an unknown outcome may still show up.
        self.chunks.remove(run, chunks + 1).await?;
        cleaned.runs += 1;
        cleaned.chunks += chunks;
        self.forget(vec![garbage_key(run)]).await
    }

    /// Removes the runs of a file that has no name any more.
    async fn remove_file(&self, file: Id, cleaned: &mut Cleaned) -> Result<()> {
        let mut done = Vec::new();
        let mut extents = self.directory().scan(extents_key(file), |row| {
            Ok((extent_start(row)?, Extent::from_bytes(row.value)?))
        });
        while let Some((start, extent)) = stream::next(&mut extents).await.transpose()? {
            self.chunks.remove(extent.run, extent.chunks()).await?;
            cleaned.runs += 1;
            cleaned.chunks += extent.chunks();
            done.push(extent_key(file, start));
            if done.len() == EXTENTS {
                self.forget(std::mem::take(&mut done)).await?;
            }
        }
        done.push(garbage_key(file));
        self.forget(done).await
    }

    /// Ends the hope that an upload goes on; `false` if it has gone on meanwhile. From then on it
    /// can't commit.
    async fn abandon_overdue(&self, run: Id) -> Result<bool> {
        self.command(|directory| async move {
            let garbage = directory.get(garbage_key(run)).await?;
            if !garbage.is_some_and(|garbage| self.is_overdue(&garbage)) {
                return Ok(false);
            }
            directory.put(garbage_key(run), &Garbage::Abandoned).await?;
            Ok(true)
        })
        .await
    }

    fn is_overdue(&self, garbage: &Garbage) -> bool {
        let Garbage::Pending { since_ms } = garbage else { return false };
        let age_ms = self.env.clock.now_ms().saturating_sub(*since_ms);
        u128::from(age_ms) > self.grace.as_millis()
    }

    /// Removes rows of the directory.
    async fn forget(&self, rows: Vec<Vec<u8>>) -> Result<()> {
        self.command(|directory| async move {
            for row in rows {
                directory.delete(row).await?;
            }
            Ok(())
        })
        .await
    }
}
