//! Reading.

use std::ops::{Bound, Range, RangeBounds};

use super::access::Access;
use super::chunks::Chunks;
use super::rows::{Extent, FileRow};
use super::{FileError, FileStream, Result};
use crate::stream::{self, Fetched};

/// What a directory knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The name.
    pub name: String,
    /// Bytes in the file.
    pub size: u64,
    /// When the file was made, in milliseconds since 1970 UTC. A file that replaces another one is
    /// a new file.
    pub created_ms: u64,
    /// When it was last appended to, in milliseconds since 1970 UTC.
    pub modified_ms: u64,
}

impl FileInfo {
    pub(super) fn new(name: String, row: &FileRow) -> Self {
        let FileRow { id: _, size, created_ms, modified_ms } = *row;
        Self { name, size, created_ms, modified_ms }
    }
}

/// A file as it was when it was [opened](super::Files::open): what is appended later is not seen,
/// and another file that takes its name is never mixed with it.
#[derive(Clone)]
pub struct OpenFile {
    directory: Access,
    chunks: Chunks,
    name: String,
    row: FileRow,
}

impl OpenFile {
    pub(super) fn new(directory: Access, chunks: Chunks, name: &str, row: FileRow) -> Self {
        Self { directory, chunks, name: name.to_owned(), row }
    }

    /// What the directory knew of the file.
    pub fn info(&self) -> FileInfo {
        FileInfo::new(self.name.clone(), &self.row)
    }

    /// The bytes in a range, in order, in pieces of at most a chunk.
    ///
    /// What the range asks for behind the end of the file is left out. The stream is lazy: it reads
    /// a chunk when it is asked for a piece, and holds no other. It gives [`FileError::Changed`] if
    /// the file was deleted or replaced and cleaned up meanwhile.
    ///
    /// # Errors
    /// [`FileError::Range`] if the range begins behind the end of the file or behind its own end. A
    /// range that begins at the end is empty.
    pub fn read(&self, range: impl RangeBounds<u64>) -> Result<FileStream<Vec<u8>>> {
        let Range { start, end } = self.cut(range)?;
        let file = self.clone();
        let cursor = Cursor { position: start, end, extent: None };
        Ok(stream::pages(cursor, move |cursor| {
            let file = file.clone();
            Box::pin(async move { file.piece(cursor).await })
        }))
    }

    /// The part of a range that is in the file.
    fn cut(&self, range: impl RangeBounds<u64>) -> Result<Range<u64>> {
        let size = self.row.size;
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => size,
        };
        if start > end.min(size) {
            return Err(FileError::Range { name: self.name.clone(), start, end, size });
        }
        Ok(start..end.min(size))
    }

    /// The piece at a cursor: a chunk, or what of it is asked for.
    async fn piece(&self, cursor: Cursor) -> Fetched<Vec<Vec<u8>>, Cursor, FileError> {
        let Cursor { position, end, extent } = cursor;
        if position >= end {
            return Ok((Vec::new(), None));
        }
        let found = match extent {
            Some(found) => Some(found),
            None => self.directory.extent_at(self.row.id, position).await?,
        };
        let place =
            found.as_ref().and_then(|(start, extent)| extent.place(position.checked_sub(*start)?));
        let (Some((start, extent)), Some(place)) = (found, place) else {
            return Err(self.lost(position).await);
        };
        let chunk = self.chunks.get(extent.run, place.chunk).await?;
        let Some(mut piece) = chunk.filter(|chunk| chunk.len() as u64 == place.chunk_bytes) else {
            return Err(self.lost(position).await);
        };
        // Neither is more than the length of the chunk.
        let until = place.chunk_bytes.min(place.offset.saturating_add(end - position));
        piece.truncate(until as usize);
        piece.drain(..place.offset as usize);

        let position = position + (until - place.offset);
        let extent = extent.place(position - start).map(|_more| (start, extent));
        Ok((vec![piece], Some(Cursor { position, end, extent })))
    }

    /// Why a part of the file isn't there.
    async fn lost(&self, position: u64) -> FileError {
        let name = self.name.clone();
        match self.directory.file(&name).await {
            Ok(Some(row)) if row.id == self.row.id => FileError::Damaged { name, position },
            Ok(_) => FileError::Changed { name },
            Err(error) => error,
        }
    }
}

/// How far a file has been read.
struct Cursor {
    position: u64,
    end: u64,
    /// The extent that holds the byte at `position`, if it is known, and where it begins.
    extent: Option<(u64, Extent)>,
}
