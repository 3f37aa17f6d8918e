//! Writing: chunks first, then one commit.

use std::ops::Range;
use std::time::Duration;

use super::command::{Mode, Step};
use super::rows::{Extent, Id};
use super::{FileError, Files, Result};
use crate::dba::BoxStream;
use crate::error::Outcome;
use crate::stream;

impl Files {
    /// Writes all that `source` gives to a file, and says where in the file it is.
    pub(super) async fn upload<E: Into<FileError>>(
        &self,
        name: &str,
        mode: Mode,
        source: BoxStream<'_, Vec<u8>, E>,
    ) -> Result<Range<u64>> {
        let run = Id::random(&self.env);
        self.begin(name, mode, run).await.map_err(FileError::before_commit)?;
        let done = match self.stage(name, run, source).await {
            Ok(extent) => self.commit(name, mode, Some(extent)).await,
            Err(error) => Err(error.before_commit()),
        };
        if let Err(error) = &done
            && error.outcome() == Outcome::NotApplied
        {
            // If this fails too, the run stays pending, and is cleaned up all the same, but later.
            self.directory().run(Step::Abandon { run }).await.ok();
        }
        done
    }

    /// Notes that chunks of `run` may be there from now on.
    async fn begin(&self, name: &str, mode: Mode, run: Id) -> Result<()> {
        let (name, now_ms) = (name.to_owned(), self.env.clock.now_ms());
        self.directory().run(Step::Begin { name, mode, run, now_ms }).await.map(drop)
    }

    /// Writes the chunks of a run.
    async fn stage<E: Into<FileError>>(
        &self,
        name: &str,
        run: Id,
        mut source: BoxStream<'_, Vec<u8>, E>,
    ) -> Result<Extent> {
        let mut staging = Staging {
            files: self,
            name,
            extent: Extent { run, bytes: 0, chunk_bytes: self.chunk_bytes },
            renewed: self.env.clock.monotonic(),
        };
        let chunk_bytes = self.chunk_bytes.get() as usize;
        let mut chunk = Vec::new();
        while let Some(piece) = stream::next(&mut source).await {
            let piece = piece.map_err(Into::into)?;
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                let room = chunk_bytes - chunk.len();
                let (fits, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
                chunk.extend_from_slice(fits);
                rest = later;
                if chunk.len() == chunk_bytes {
                    staging.write(std::mem::take(&mut chunk)).await?;
                }
            }
        }
        if !chunk.is_empty() {
            staging.write(chunk).await?;
        }
        Ok(staging.extent)
    }

    /// Makes what is staged part of a file, or an empty file of nothing.
    pub(super) async fn commit(
        &self,
        name: &str,
        mode: Mode,
        staged: Option<Extent>,
    ) -> Result<Range<u64>> {
        let (file, now_ms) = (Id::random(&self.env), self.env.clock.now_ms());
        let name = name.to_owned();
        self.directory().commit(Step::Commit { name, mode, staged, file, now_ms }).await
    }
}

/// A run that is being written.
struct Staging<'a> {
    files: &'a Files,
    name: &'a str,
    extent: Extent,
    /// When the note of the run was last renewed, by the clock that never goes back.
    renewed: Duration,
}

impl Staging<'_> {
    /// Writes the next chunk.
    async fn write(&mut self, chunk: Vec<u8>) -> Result<()> {
        let now = self.files.env.clock.monotonic();
        if now.saturating_sub(self.renewed) > self.files.grace / 4 {
            self.renew().await?;
            self.renewed = now;
        }
        let bytes = chunk.len() as u64;
        self.files.chunks.put(self.extent.run, self.extent.chunks(), chunk).await?;
        self.extent.bytes += bytes;
        Ok(())
    }

    /// Says that the upload goes on.
    async fn renew(&self) -> Result<()> {
        let (name, run) = (self.name.to_owned(), self.extent.run);
        let now_ms = self.files.env.clock.now_ms();
        self.files.directory().run(Step::Renew { name, run, now_ms }).await.map(drop)
    }
}
