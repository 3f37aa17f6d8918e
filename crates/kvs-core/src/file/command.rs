//! What is asked of a directory, as a value: it runs here, or travels to where the directory is.

use std::ops::{Bound, Range};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::rows::{
    Extent, FileRow, Garbage, Id, extent_key, extent_start, extents_key, file_key, file_name,
    garbage_id, garbage_key, garbages_key,
};
use super::{FileError, Result};
use crate::DbaError;
use crate::dba::Dba;
use crate::page::RowRef;
use crate::scan::prefix_end;

/// Most entries that a query lists at a time.
const LIST_MAX: u32 = 1_024;

/// A command or query of a directory. What it holds is between [`Files`](super::Files) and the
/// directory's rows; `docs/FORMAT.md` draws it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirectoryCommand(pub(super) Step);

/// The answer to a [`DirectoryCommand`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirectoryAnswer(Found);

/// What is expected of the name that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What a directory is asked. New ones come at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Notes that chunks of `run` may be there from now on.
    Begin { name: String, mode: Mode, run: Id, now_ms: u64 },
    /// Says that the upload goes on.
    Renew { name: String, run: Id, now_ms: u64 },
    /// Makes what is staged part of a file, or an empty file of nothing; a new one gets the id `file`.
    Commit { name: String, mode: Mode, staged: Option<Extent>, file: Id, now_ms: u64 },
    /// Gives up an upload.
    Abandon { run: Id },
    /// Gives up an upload that has not gone on for longer than `grace_ms`; tells whether it has not.
    AbandonOverdue { run: Id, now_ms: u64, grace_ms: u64 },
    /// Takes a file's name away; tells whether there was one.
    Delete { name: String },
    /// Forgets extents of a file whose chunks are removed, and, at the end, the note of it.
    Forget { id: Id, starts: Vec<u64>, note: bool },
    /// Asks whether there is such a directory.
    Exists,
    /// Asks for a file.
    File { name: String },
    /// Asks for the last extent that begins at `position` or before.
    Extent { file: Id, position: u64 },
    /// Asks for the files whose names begin with `prefix`.
    Files { prefix: String, after: Option<String>, limit: u32 },
    /// Asks for what is to be removed.
    Garbage { after: Option<Id>, limit: u32 },
    /// Asks for the extents of a file.
    Extents { file: Id, after: Option<u64>, limit: u32 },
}

/// What a directory answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Found {
    Done,
    Whether(bool),
    Span(u64, u64),
    File(Option<FileRow>),
    Extent(Option<(u64, Extent)>),
    Files(Vec<(String, FileRow)>),
    Garbage(Vec<(Id, Garbage)>),
    Extents(Vec<(u64, Extent)>),
}

macro_rules! answers {
    ($($method:ident $variant:ident($($field:ident),*) -> $type:ty = $value:expr),* $(,)?) => {$(
        pub(super) fn $method(self) -> Result<$type> {
            match self.0 {
                Found::$variant($($field),*) => Ok($value),
                _ => Err(DbaError::decode("answer of a directory", "it answers something else").into()),
            }
        }
    )*};
}

impl DirectoryAnswer {
    answers! {
        whether Whether(whether) -> bool = whether,
        span Span(start, end) -> Range<u64> = start..end,
        file File(file) -> Option<FileRow> = file,
        extent Extent(extent) -> Option<(u64, Extent)> = extent,
        files Files(files) -> Vec<(String, FileRow)> = files,
        garbage Garbage(garbage) -> Vec<(Id, Garbage)> = garbage,
        extents Extents(extents) -> Vec<(u64, Extent)> = extents,
    }
}

impl DirectoryCommand {
    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        match &self.0 {
            Step::Exists
            | Step::File { .. }
            | Step::Extent { .. }
            | Step::Files { .. }
            | Step::Garbage { .. }
            | Step::Extents { .. } => true,
            Step::Begin { .. }
            | Step::Renew { .. }
            | Step::Commit { .. }
            | Step::Abandon { .. }
            | Step::AbandonOverdue { .. }
            | Step::Delete { .. }
            | Step::Forget { .. } => false,
        }
    }

    /// Runs it on the rows of the directory `name`. After an error what it wrote to `rows` is to be
    /// thrown away.
    pub async fn apply(self, rows: Arc<dyn Dba>, name: Arc<[u8]>) -> Result<DirectoryAnswer> {
        let directory = Directory::new(rows, name);
        self.0.apply(&directory).await.map(DirectoryAnswer)
    }
}

impl Step {
    async fn apply(self, directory: &Directory) -> Result<Found> {
        Ok(match self {
            Self::Begin { name, mode, run, now_ms } => {
                mode.check(&name, directory.file(&name).await?.as_ref())?;
                directory.ensure().await?;
                directory.put(garbage_key(run), &Garbage::Pending { since_ms: now_ms }).await?;
                Found::Done
            }
            Self::Renew { name, run, now_ms } => {
                check_pending(directory, &name, run).await?;
                directory.put(garbage_key(run), &Garbage::Pending { since_ms: now_ms }).await?;
                Found::Done
            }
            Self::Commit { name, mode, staged, file, now_ms } => {
                commit(directory, &name, mode, staged, file, now_ms).await?
            }
            Self::Abandon { run } => {
                // Of a directory of another type nothing may be written.
                directory.ensure().await?;
                directory.put(garbage_key(run), &Garbage::Abandoned).await?;
                Found::Done
            }
            Self::AbandonOverdue { run, now_ms, grace_ms } => {
                let overdue = directory.exists().await?
                    && directory
                        .get(garbage_key(run))
                        .await?
                        .is_some_and(|garbage: Garbage| garbage.is_overdue(now_ms, grace_ms));
                if overdue {
                    directory.put(garbage_key(run), &Garbage::Abandoned).await?;
                }
                Found::Whether(overdue)
            }
            Self::Delete { name } => {
                let Some(file) = directory.file(&name).await? else {
                    return Ok(Found::Whether(false));
                };
                directory.delete(file_key(&name)).await?;
                directory.put(garbage_key(file.id), &Garbage::Dropped).await?;
                Found::Whether(true)
            }
            Self::Forget { id, starts, note } => {
                if directory.exists().await? {
                    for start in starts {
                        directory.delete(extent_key(id, start)).await?;
                    }
                    if note {
                        directory.delete(garbage_key(id)).await?;
                    }
                }
                Found::Done
            }
            Self::Exists => Found::Whether(directory.exists().await?),
            Self::File { name } => Found::File(directory.file(&name).await?),
            Self::Extent { file, position } => match directory.exists().await? {
                true => Found::Extent(directory.extent_at(file, position).await?),
                false => Found::Extent(None),
            },
            Self::Files { prefix, after, limit } => {
                let after = after.map(|name| file_key(&name));
                let range = behind(file_key(&prefix), after);
                let read =
                    |row: RowRef<'_>| Ok((file_name(row)?, crate::Value::from_bytes(row.value)?));
                Found::Files(directory.list(range, limit.clamp(1, LIST_MAX), read).await?)
            }
            Self::Garbage { after, limit } => {
                let range = behind(garbages_key(), after.map(garbage_key));
                let read =
                    |row: RowRef<'_>| Ok((garbage_id(row)?, crate::Value::from_bytes(row.value)?));
                Found::Garbage(directory.list(range, limit.clamp(1, LIST_MAX), read).await?)
            }
            Self::Extents { file, after, limit } => {
                let range = behind(extents_key(file), after.map(|start| extent_key(file, start)));
                let read = |row: RowRef<'_>| {
                    Ok((extent_start(row)?, crate::Value::from_bytes(row.value)?))
                };
                Found::Extents(directory.list(range, limit.clamp(1, LIST_MAX), read).await?)
            }
        })
    }
}

/// The keys that begin with `prefix`, from behind `after` on.
fn behind(prefix: Vec<u8>, after: Option<Vec<u8>>) -> crate::Range {
    let end = prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    (start, end)
}

async fn commit(
    directory: &Directory,
    name: &str,
    mode: Mode,
    staged: Option<Extent>,
    id: Id,
    now_ms: u64,
) -> Result<Found> {
    let found = directory.file(name).await?;
    mode.check(name, found.as_ref())?;
    directory.ensure().await?;
    let new = FileRow { id, size: 0, created_ms: now_ms, modified_ms: now_ms };
    let mut file = match found {
        Some(file) if mode == Mode::Append => FileRow { modified_ms: now_ms, ..file },
        Some(old) => {
            directory.put(garbage_key(old.id), &Garbage::Dropped).await?;
            new
        }
        None => new,
    };
    let start = file.size;
    if let Some(extent) = staged {
        check_pending(directory, name, extent.run).await?;
        directory.delete(garbage_key(extent.run)).await?;
        if extent.bytes > 0 {
            directory.put(extent_key(file.id, start), &extent).await?;
        }
        file.size = start
            .checked_add(extent.bytes)
            .ok_or_else(|| DbaError::encode("file size", "it would pass the range of 64 bits"))?;
    }
    directory.put(file_key(name), &file).await?;
    Ok(Found::Span(start, file.size))
}

/// Checks that no cleanup has taken the run for dead.
async fn check_pending(directory: &Directory, name: &str, run: Id) -> Result<()> {
    match directory.get(garbage_key(run)).await? {
        Some(Garbage::Pending { .. }) => Ok(()),
        _ => Err(FileError::Expired { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    /// A command of each kind in postcard, which stays as it is.
    fn fixture() -> Vec<(Step, Vec<u8>)> {
        let (id, sevens) = (Id([7; 16]), [7; 16]);
        let name = || "a".to_owned();
        let chunk_bytes = NonZeroU32::new(1_024).unwrap();
        let staged = Some(Extent { run: id, bytes: 300, chunk_bytes });
        let with = |before: &[u8], after: &[u8]| [before, &sevens, after].concat();
        vec![
            (
                Step::Begin { name: name(), mode: Mode::New, run: id, now_ms: 3 },
                with(&[0, 1, b'a', 1], &[3]),
            ),
            (Step::Renew { name: name(), run: id, now_ms: 3 }, with(&[1, 1, b'a'], &[3])),
            (
                Step::Commit { name: name(), mode: Mode::Replace, staged, file: id, now_ms: 3 },
                with(&with(&[2, 1, b'a', 2, 1], &[0xAC, 2, 0x80, 8]), &[3]),
            ),
            (Step::Abandon { run: id }, with(&[3], &[])),
            (Step::AbandonOverdue { run: id, now_ms: 3, grace_ms: 4 }, with(&[4], &[3, 4])),
            (Step::Delete { name: name() }, vec![5, 1, b'a']),
            (Step::Forget { id, starts: vec![300], note: true }, with(&[6], &[1, 0xAC, 2, 1])),
            (Step::Exists, vec![7]),
            (Step::File { name: name() }, vec![8, 1, b'a']),
            (Step::Extent { file: id, position: 300 }, with(&[9], &[0xAC, 2])),
            (
                Step::Files { prefix: name(), after: Some(name()), limit: 5 },
                vec![10, 1, b'a', 1, 1, b'a', 5],
            ),
            (Step::Garbage { after: Some(id), limit: 5 }, with(&[11, 1], &[5])),
            (Step::Extents { file: id, after: None, limit: 5 }, with(&[12], &[0, 5])),
        ]
    }

    #[test]
    fn the_bytes_stay_as_they_are() {
        for (step, bytes) in fixture() {
            let command = DirectoryCommand(step);
            assert_eq!(postcard::to_stdvec(&command).unwrap(), bytes, "{command:?}");
            assert_eq!(postcard::from_bytes::<DirectoryCommand>(&bytes).unwrap(), command);
        }
    }
}
