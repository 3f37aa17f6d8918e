//! The rows of a directory.
//!
//! | clustering key | value |
//! |---|---|
//! | `10`, name | [`FileRow`] |
//! | `11`, file id, offset in the file (u64, big-endian) | [`Extent`] |
//! | `12`, id of a run or a file | [`Garbage`] |

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::env::Env;
use crate::error::{DbaError, Result};
use crate::page::RowRef;

const FILE: u8 = 0x10;
const EXTENT: u8 = 0x11;
const GARBAGE: u8 = 0x12;

/// Identifies a file or a run: 16 random bytes, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Id(pub(super) [u8; 16]);

impl Id {
    pub(super) fn random(env: &Env) -> Self {
        let mut id = [0; 16];
        env.random.fill(&mut id);
        Self(id)
    }
}

/// A file. A name that is used again gets another id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRow {
    pub(super) id: Id,
    pub(super) size: u64,
    pub(super) created_ms: u64,
    pub(super) modified_ms: u64,
}

/// A part of a file: the whole of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) run: Id,
    pub(super) bytes: u64,
    /// The size of each chunk but the last.
    pub(super) chunk_bytes: NonZeroU32,
}

/// Where in a run a byte is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The chunk, counted from the start of the run.
    pub(super) chunk: u64,
    /// How many bytes the chunk has.
    pub(super) chunk_bytes: u64,
    /// Which of them it is.
    pub(super) offset: u64,
}

impl Extent {
    /// How many chunks the run has.
    pub(super) fn chunks(&self) -> u64 {
        self.bytes.div_ceil(self.chunk_bytes.get().into())
    }

    /// Where the byte `offset` of the run is; `None` if the run is shorter.
    pub(super) fn place(&self, offset: u64) -> Option<Place> {
        let full = u64::from(self.chunk_bytes.get());
        let left = self.bytes.checked_sub(offset).filter(|left| *left > 0)?;
        let chunk_offset = offset % full;
        let chunk_bytes = full.min(left.saturating_add(chunk_offset));
        Some(Place { chunk: offset / full, chunk_bytes, offset: chunk_offset })
    }
}

/// Why something is to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Garbage {
    /// A run that is being uploaded, or was, when its uploader last said so.
    Pending { since_ms: u64 },
    /// A run that no file will get.
    Abandoned,
    /// A file that was deleted or replaced; its extents are still there.
    Dropped,
}

impl Garbage {
    /// Whether it is an upload that has not gone on for longer than `grace_ms`.
    pub(super) fn is_overdue(&self, now_ms: u64, grace_ms: u64) -> bool {
        let Self::Pending { since_ms } = self else { return false };
        now_ms.saturating_sub(*since_ms) > grace_ms
    }
}

/// The key of a file; with the beginning of a name, the prefix of such keys.
pub(super) fn file_key(name: &str) -> Vec<u8> {
    [&[FILE], name.as_bytes()].concat()
}

pub(super) fn file_name(row: RowRef<'_>) -> Result<String> {
    let name = row.clustering.get(1..).unwrap_or_default();
    String::from_utf8(name.to_vec()).map_err(|error| DbaError::decode("file name", error))
}

/// What the keys of all extents of a file begin with.
pub(super) fn extents_key(file: Id) -> Vec<u8> {
    [&[EXTENT], file.0.as_slice()].concat()
}

pub(super) fn extent_key(file: Id, start: u64) -> Vec<u8> {
    [&[EXTENT], file.0.as_slice(), &start.to_be_bytes()].concat()
}

/// Where in its file an extent begins.
pub(super) fn extent_start(row: RowRef<'_>) -> Result<u64> {
    let start = row.clustering.last_chunk().copied().map(u64::from_be_bytes);
    start.ok_or_else(|| DbaError::decode("extent", "its key is cut off"))
}

/// What the keys of all garbage begin with.
pub(super) fn garbages_key() -> Vec<u8> {
    vec![GARBAGE]
}

pub(super) fn garbage_key(id: Id) -> Vec<u8> {
    [&[GARBAGE], id.0.as_slice()].concat()
}

pub(super) fn garbage_id(row: RowRef<'_>) -> Result<Id> {
    let id = row.clustering.get(1..).and_then(|id| id.try_into().ok());
    id.map(Id).ok_or_else(|| DbaError::decode("garbage", "its key is not an id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn extent(bytes: u64, chunk_bytes: u32) -> Extent {
        Extent { run: Id([7; 16]), bytes, chunk_bytes: NonZeroU32::new(chunk_bytes).unwrap() }
    }

    #[test]
    fn the_stored_bytes_stay_as_they_are() {
        let id = Id([7; 16]);
        let file = FileRow { id, size: 300, created_ms: 1, modified_ms: 2 };
        let garbage = |garbage: Garbage| garbage.to_bytes().unwrap();
        let sevens = [7; 16];
        let cases = [
            (file_key("a/b"), b"\x10a/b".to_vec()),
            (extent_key(id, 258), [&[0x11], &sevens[..], &[0, 0, 0, 0, 0, 0, 1, 2]].concat()),
            (garbage_key(id), [&[0x12], &sevens[..]].concat()),
            (file.to_bytes().unwrap(), [&[1, 1], &sevens[..], &[0xAC, 2, 1, 2]].concat()),
            (
                extent(300, 1024).to_bytes().unwrap(),
                [&[1, 1], &sevens[..], &[0xAC, 2, 0x80, 8]].concat(),
            ),
            (garbage(Garbage::Pending { since_ms: 3 }), vec![1, 1, 0, 3]),
            (garbage(Garbage::Abandoned), vec![1, 1, 1]),
            (garbage(Garbage::Dropped), vec![1, 1, 2]),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_chunk_size_of_zero_is_refused() {
        let zero = [&[1, 1], &[7; 16][..], &[1, 0]].concat();
        assert!(Extent::from_bytes(&zero).is_err());
    }

    #[test]
    fn every_byte_has_its_place() {
        let place = |chunk, chunk_bytes, offset| Some(Place { chunk, chunk_bytes, offset });
        let run = extent(25, 10);
        assert_eq!(run.chunks(), 3);
        assert_eq!(run.place(0), place(0, 10, 0));
        assert_eq!(run.place(9), place(0, 10, 9));
        assert_eq!(run.place(10), place(1, 10, 0));
        assert_eq!(run.place(24), place(2, 5, 4));
        assert_eq!(run.place(25), None);
        assert_eq!(extent(20, 10).chunks(), 2);
        assert_eq!(extent(20, 10).place(19), place(1, 10, 9));
        assert_eq!(extent(u64::MAX, 10).place(u64::MAX), None);
        assert_eq!(extent(u64::MAX, 10).place(u64::MAX - 1), place(u64::MAX / 10, 5, 4));
    }
}
