//! Removing what no file uses any more.

use super::command::Step;
use super::rows::{Garbage, Id};
use super::{Files, Result};
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
        let mut garbage = directory.garbage();
        while let Some((id, garbage)) = stream::next(&mut garbage).await.transpose()? {
            match garbage {
                Garbage::Dropped => self.remove_file(id, &mut cleaned).await?,
                Garbage::Abandoned => self.remove_run(id, &mut cleaned).await?,
                Garbage::Pending { .. } => {
                    let (now_ms, grace_ms) = (self.env.clock.now_ms(), self.grace_ms());
                    if garbage.is_overdue(now_ms, grace_ms) && self.abandon_overdue(id).await? {
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
        self.directory().forget(run, Vec::new(), true).await
    }

    /// Removes the runs of a file that has no name any more.
    async fn remove_file(&self, file: Id, cleaned: &mut Cleaned) -> Result<()> {
        let mut done = Vec::new();
        let directory = self.directory();
        let mut extents = directory.extents(file);
        while let Some((start, extent)) = stream::next(&mut extents).await.transpose()? {
            self.chunks.remove(extent.run, extent.chunks()).await?;
            cleaned.runs += 1;
            cleaned.chunks += extent.chunks();
            done.push(start);
            if done.len() == EXTENTS {
                directory.forget(file, std::mem::take(&mut done), false).await?;
            }
        }
        directory.forget(file, done, true).await
    }

    /// Ends the hope that an upload goes on; `false` if it has gone on meanwhile. From then on it
    /// can't commit.
    async fn abandon_overdue(&self, run: Id) -> Result<bool> {
        let (now_ms, grace_ms) = (self.env.clock.now_ms(), self.grace_ms());
        self.directory().run(Step::AbandonOverdue { run, now_ms, grace_ms }).await?.whether()
    }

    fn grace_ms(&self) -> u64 {
        u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX)
    }
}
