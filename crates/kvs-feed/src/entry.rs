//! Entries, their numbers and their keys.

use std::fmt;
use std::ops::Bound;

use kvs_core::{DbaError, Range, Result, RowRef, Value};
use serde::{Deserialize, Serialize};

/// The number of an entry in its feed: 1 for the first one added, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Eid(pub u64);

impl fmt::Display for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// Its number.
    pub eid: Eid,
    /// What was added.
    pub value: T,
}

const ENTRY: u8 = 0x10;
const MARK: u8 = 0x11;

/// What a removed entry's row holds until it is cleaned up. No encoded value is empty.
pub(crate) const REMOVED: &[u8] = &[];

/// The prefix of all marks.
pub(crate) const MARKS: [u8; 1] = [MARK];

/// The clustering key of an entry: higher numbers come first.
pub(crate) fn entry_key(eid: Eid) -> Vec<u8> {
    [&[ENTRY], (u64::MAX - eid.0).to_be_bytes().as_slice()].concat()
}

/// The rows of the entries up to `eid`.
pub(crate) fn at_or_below(eid: Eid) -> Range {
    (Bound::Included(entry_key(eid)), Bound::Excluded(MARKS.to_vec()))
}

/// The clustering key of the mark of a removed entry.
pub(crate) fn mark_key(eid: Eid) -> Vec<u8> {
    [&[MARK], eid.0.to_be_bytes().as_slice()].concat()
}

/// The number of an entry from its clustering key.
pub(crate) fn entry_eid(clustering: &[u8]) -> Result<Eid> {
    number(clustering).map(|number| Eid(u64::MAX - number))
}

/// The number of a removed entry from the clustering key of its mark.
pub(crate) fn mark_eid(clustering: &[u8]) -> Result<Eid> {
    number(clustering).map(Eid)
}

fn number(clustering: &[u8]) -> Result<u64> {
    let bytes = clustering.get(1..).and_then(|bytes| bytes.try_into().ok());
    let bytes = bytes.ok_or_else(|| DbaError::decode("feed row", "its key has no number"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// The entry in a row; `None` if it was removed.
pub(crate) fn read<T: Value>(row: RowRef<'_>) -> Result<Option<Entry<T>>> {
    if row.value == REMOVED {
        return Ok(None);
    }
    let value = T::from_bytes(row.value)?;
    Ok(Some(Entry { eid: entry_eid(row.clustering)?, value }))
}
