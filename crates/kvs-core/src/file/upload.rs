//! Writing: chunks first, then one commit.

use std::ops::Range;
use std::time::Duration;

use super::directory::Directory;
use super::rows::{Extent, FileRow, Garbage, Id, extent_key, file_key, garbage_key};
use super::{FileError, Files, Result};
use crate::dba::BoxStream;
use crate::error::{DbaError, Outcome};
use crate::stream;

/// What is expected of the name that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// There is a file, and it grows.
    Append,
    /// There is no file.
    New,
    /// If there is a file, it makes way.
    Replace,
}

impl Mode {
    fn check(self, name: &str, found: Option<&FileRow>) -> Result<()> {
        let name = || name.to_owned();
        match (self, found) {
            (Self::Append, None) => Err(FileError::NotFound { name: name() }),
            (Self::New, Some(_)) => Err(FileError::Exists { name: name() }),
            _ => Ok(()),
        }
    }
}

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
            let abandon = |directory: Directory| async move {
                directory.put(garbage_key(run), &Garbage::Abandoned).await
            };
            self.command(abandon).await.ok();
        }
        done
    }

    /// Notes that chunks of `run` may be there from now on.
    async fn begin(&self, name: &str, mode: Mode, run: Id) -> Result<()> {
        self.command(|directory| async move {
            mode.check(name, directory.file(name).await?.as_ref())?;
            directory.ensure().await?;
            directory.put(garbage_key(run), &self.pending()).await
        })
        .await
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
        self.command(|directory| async move {
            let found = directory.file(name).await?;
            mode.check(name, found.as_ref())?;
            directory.ensure().await?;
            let now_ms = self.env.clock.now_ms();
            let new = || FileRow {
                id: Id::random(&self.env),
                size: 0,
                created_ms: now_ms,
                modified_ms: now_ms,
            };
            let mut file = match found {
                Some(file) if mode == Mode::Append => FileRow { modified_ms: now_ms, ..file },
                Some(old) => {
                    directory.put(garbage_key(old.id), &Garbage::Dropped).await?;
                    new()
                }
                None => new(),
            };
            let start = file.size;
            if let Some(extent) = staged {
                check_pending(&directory, name, extent.run).await?;
                directory.delete(garbage_key(extent.run)).await?;
                if extent.bytes > 0 {
                    directory.put(extent_key(file.id, start), &extent).await?;
                }
                file.size = start.checked_add(extent.bytes).ok_or_else(|| {
                    DbaError::encode("file size", "it would pass the range of 64 bits")
                })?;
            }
            directory.put(file_key(name), &file).await?;
            Ok(start..file.size)
        })
        .await
    }

    fn pending(&self) -> Garbage {
        Garbage::Pending { since_ms: self.env.clock.now_ms() }
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
        let run = self.extent.run;
        self.files
            .command(|directory| async move {
                check_pending(&directory, self.name, run).await?;
                directory.put(garbage_key(run), &self.files.pending()).await
            })
            .await
    }
}

/// Checks that no cleanup has taken the run for dead.
async fn check_pending(directory: &Directory, name: &str, run: Id) -> Result<()> {
    match directory.get(garbage_key(run)).await? {
        Some(Garbage::Pending { .. }) => Ok(()),
        _ => Err(FileError::Expired { name: name.to_owned() }),
    }
}
