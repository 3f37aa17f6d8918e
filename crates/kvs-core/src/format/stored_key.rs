//! The key under which a row is stored.
//!
//! ```text
//! ┌──────┬───────────────────┬───────────┬────────────┐
//! │ kind │ escaped partition │ 0x00 0x01 │ clustering │
//! └──────┴───────────────────┴───────────┴────────────┘
//! ```
//!
//! In the partition `0x00` is written as `0x00 0xFF`, so no partition is a prefix of another's
//! bytes, and byte order is the order of (kind, partition, clustering). A partition is a range of
//! stored keys, and so is a kind: nobody keeps lists of keys. (The escape is the one that
//! FoundationDB's tuple layer uses.) The ring puts the bucket in front of this key.

use std::ops::Bound;

use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::scan::{Range, prefix_end};

/// What a row is for. Kinds never mix: a scan stays within one, and a plain write can't reach an
/// entity's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum RowKind {
    /// A record that a user put.
    Plain = 1,
    /// A row of an entity (a feed, a sorted set, …); written only by the entity's commands.
    Entity = 2,
    /// A piece of a file; never changed once written.
    Chunk = 3,
    /// What a node of a ring keeps for itself: its identity, votes, counters.
    Meta = 4,
    /// An entry of a log that nodes agree on.
    Log = 5,
    /// A replica of a row: the bucket, then the stored key of the row.
    Replica = 6,
    /// A digest of some replicas of a bucket.
    Digest = 7,
    /// A write kept for a node that is away.
    Hint = 8,
}

impl RowKind {
    /// All kinds, in the order of their rows.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Entity,
        Self::Chunk,
        Self::Meta,
        Self::Log,
        Self::Replica,
        Self::Digest,
        Self::Hint,
    ];

    /// The kind that a stored key's first byte says.
    pub fn of(stored: &[u8]) -> Result<Self> {
        let byte = stored.first().copied();
        let kind = Self::ALL.into_iter().find(|kind| Some(*kind as u8) == byte);
        kind.ok_or_else(|| DbaError::decode("stored key", format!("unknown kind {byte:?}")))
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Entity => "entity",
            Self::Chunk => "chunk",
            Self::Meta => "meta",
            Self::Log => "log",
            Self::Replica => "replica",
            Self::Digest => "digest",
            Self::Hint => "hint",
        }
    }
}

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0x01;

/// Appends the stored key to `out`.
pub fn encode_into(out: &mut Vec<u8>, kind: RowKind, partition: &[u8], clustering: &[u8]) {
    out.reserve(partition.len() + clustering.len() + 3);
    out.push(kind as u8);
    escape_into(out, partition);
    out.extend_from_slice(&[ESCAPE, END]);
    out.extend_from_slice(clustering);
}

/// The stored key.
pub fn encode(kind: RowKind, partition: &[u8], clustering: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(&mut out, kind, partition, clustering);
    out
}

/// The stored keys of a range of a partition.
pub fn partition_range(kind: RowKind, partition: &[u8], range: &Range) -> Range {
    let stored = |clustering: &[u8]| encode(kind, partition, clustering);
    let start = match &range.0 {
        Bound::Included(start) => Bound::Included(stored(start)),
        Bound::Excluded(start) => Bound::Excluded(stored(start)),
        Bound::Unbounded => Bound::Included(stored(&[])),
    };
    let end = match &range.1 {
        Bound::Included(end) => Bound::Included(stored(end)),
        Bound::Excluded(end) => Bound::Excluded(stored(end)),
        Bound::Unbounded => above(&stored(&[])),
    };
    (start, end)
}

/// The stored keys of all partitions that begin with `prefix`.
pub fn prefix_range(kind: RowKind, prefix: &[u8]) -> Range {
    let mut start = vec![kind as u8];
    escape_into(&mut start, prefix);
    let end = above(&start);
    (Bound::Included(start), end)
}

/// Reads a stored key back.
pub fn decode(stored: &[u8]) -> Result<(RowKind, Key)> {
    let kind = RowKind::of(stored)?;
    let mut partition = Vec::new();
    let mut rest = stored.get(1..).unwrap_or_default();
    loop {
        rest = match rest {
            [ESCAPE, ESCAPED_ZERO, rest @ ..] => {
                partition.push(0);
                rest
            }
            [ESCAPE, END, clustering @ ..] => return Ok((kind, Key::new(partition, clustering))),
            [ESCAPE, ..] | [] => {
                return Err(DbaError::decode("stored key", "its partition doesn't end"));
            }
            [byte, rest @ ..] => {
                partition.push(*byte);
                rest
            }
        };
    }
}

/// The bytes up to and including the end of the partition; the clustering key follows them.
pub fn partition_prefix(kind: RowKind, partition: &[u8]) -> Vec<u8> {
    encode(kind, partition, &[])
}

fn escape_into(out: &mut Vec<u8>, partition: &[u8]) {
    for (n, part) in partition.split(|byte| *byte == ESCAPE).enumerate() {
        if n > 0 {
            out.extend_from_slice(&[ESCAPE, ESCAPED_ZERO]);
        }
        out.extend_from_slice(part);
    }
}

fn above(prefix: &[u8]) -> Bound<Vec<u8>> {
    prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(0), Just(1), Just(255), any::<u8>()], 0..12)
    }

    proptest! {
        #[test]
        fn stored_keys_order_as_partition_then_clustering(a in (bytes(), bytes()), b in (bytes(), bytes())) {
            let stored = |k: &(Vec<u8>, Vec<u8>)| encode(RowKind::Plain, &k.0, &k.1);
            prop_assert_eq!(stored(&a).cmp(&stored(&b)), a.cmp(&b));
        }

        #[test]
        fn stored_keys_read_back(partition in bytes(), clustering in bytes()) {
            let stored = encode(RowKind::Entity, &partition, &clustering);
            prop_assert_eq!(decode(&stored).unwrap(), (RowKind::Entity, Key::new(partition, clustering)));
        }

        #[test]
        fn garbage_is_an_error_or_a_key_that_encodes_to_itself(stored in bytes()) {
            if let Ok((kind, key)) = decode(&stored) {
                prop_assert_eq!(encode(kind, key.partition(), key.clustering()), stored);
            }
        }
    }
}
