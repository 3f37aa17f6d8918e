//! Bucket logs as they are stored.

use std::ops::Bound;

use kvs_core::store::Raw;
use kvs_core::{DbaError, Order, Range, Result, RowKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::core::Durable;
use super::entry::{Entry, Epoch, Position};
use super::writes::Writes;
use crate::hash::Bucket;

const VERSION: u8 = 1;
/// Heads that are read at a time.
const PAGE_ROWS: usize = 1_000;
const PAGE_BYTES: usize = 1 << 20;
const KIND: u8 = RowKind::Log as u8;
/// Behind the kind; `0x00` is the log of layouts.
const ENTRY: u8 = 0x01;
const HEAD: u8 = 0x02;

/// What is on disk of a bucket's log beside its entries. Version 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) promised: Epoch,
    pub(super) layout: u64,
    pub(super) doubt: Option<Epoch>,
    pub(super) floor: Position,
    pub(super) commit: u64,
    /// Which of the two generations of the bucket's rows counts: a snapshot is laid down as the other.
    pub(super) generation: u8,
    /// How many losses the node had had when this was written: if it has had more since, this bucket may
    /// miss something.
    pub(super) losses: u64,
}

impl Head {
    /// Whether nothing was trimmed or committed here. There may be entries.
    pub(super) fn is_empty(&self) -> bool {
        self.floor == Position::start() && self.commit == 0
    }

    /// What a core starts from.
    pub(super) fn durable(
        &self,
        entries: impl IntoIterator<Item = Entry<Writes>>,
    ) -> Durable<Writes> {
        Durable {
            promised: self.promised,
            layout: self.layout,
            doubt: self.doubt,
            floor: self.floor,
            entries: entries.into_iter().map(|entry| (entry.position.seq, entry)).collect(),
            commit: self.commit,
        }
    }
}

/// Where an entry is.
pub(super) fn entry_key(bucket: Bucket, seq: u64) -> Vec<u8> {
    let bucket = bucket.0.to_be_bytes();
    [&[KIND, ENTRY], bucket.as_slice(), &seq.to_be_bytes()].concat()
}

/// All entries of a bucket behind `seq`.
pub(super) fn entries_after(bucket: Bucket, seq: u64) -> Range {
    let start = Bound::Excluded(entry_key(bucket, seq));
    (start, Bound::Included(entry_key(bucket, u64::MAX)))
}

/// Where the head of a bucket's log is.
pub(super) fn head_key(bucket: Bucket) -> Vec<u8> {
    [&[KIND, HEAD], bucket.0.to_be_bytes().as_slice()].concat()
}

/// Where it is for how long the node has granted leases.
pub(super) fn lease_key() -> Vec<u8> {
    [&[RowKind::Meta as u8], b"log/lease".as_slice()].concat()
}

/// Where the node's losses are.
pub(super) fn losses_key() -> Vec<u8> {
    [&[RowKind::Meta as u8], b"log/losses".as_slice()].concat()
}

/// All entries of all buckets.
pub(super) fn all_entries() -> Range {
    (Bound::Included(vec![KIND, ENTRY]), Bound::Excluded(vec![KIND, HEAD]))
}

/// The heads of all buckets behind one.
fn heads_after(bucket: Option<Bucket>) -> Range {
    let start = match bucket {
        Some(bucket) => Bound::Excluded(head_key(bucket)),
        None => Bound::Included(vec![KIND, HEAD]),
    };
    (start, Bound::Excluded(vec![KIND, HEAD + 1]))
}

/// The heads of all buckets that have one.
pub(super) async fn heads(raw: &Raw) -> Result<Vec<(Bucket, Head)>> {
    let mut heads = Vec::new();
    loop {
        let range = heads_after(heads.last().map(|(bucket, _)| *bucket));
        let found = raw.scan(range, Order::Ascending, PAGE_ROWS, PAGE_BYTES).await?;
        for row in &found {
            heads.push((head_bucket(&row.key)?, decode("head of a log", &row.value)?));
        }
        if found.is_empty() {
            return Ok(heads);
        }
    }
}

/// Whose head is at a key.
fn head_bucket(key: &[u8]) -> Result<Bucket> {
    let bucket = match key {
        [KIND, HEAD, bucket @ ..] => <[u8; 4]>::try_from(bucket).ok(),
        _ => None,
    };
    let bucket = bucket.map(|bucket| Bucket(u32::from_be_bytes(bucket)));
    bucket.ok_or_else(|| DbaError::decode("head of a log", "its key is not that of a head"))
}

/// Room that is given at first.
const USUAL_BYTES: usize = 256;

/// A version, then postcard.
pub(super) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>> {
    encode_as(VERSION, what, value)
}

/// Reads that back, exactly.
pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    decode_as(VERSION, what, bytes)
}

/// The same as another version.
pub(super) fn encode_as<T: Serialize>(
    version: u8,
    what: &'static str,
    value: &T,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    bytes.push(version);
    let bytes = postcard::to_extend(value, bytes);
    bytes.map_err(|error| DbaError::encode(what, error))
}

/// Reads that back, exactly.
pub(super) fn decode_as<T: DeserializeOwned>(
    version: u8,
    what: &'static str,
    bytes: &[u8],
) -> Result<T> {
    let problem = match bytes {
        [found, body @ ..] if *found == version => match postcard::take_from_bytes(body) {
            Ok((value, [])) => return Ok(value),
            Ok((_, rest)) => format!("{} bytes are left over", rest.len()),
            Err(error) => error.to_string(),
        },
        [found, ..] => format!("unknown version {found}, this release knows {version}"),
        [] => "it is empty".to_owned(),
    };
    Err(DbaError::decode(what, problem))
}

#[cfg(test)]
mod tests {
    use kvs_core::Batch;

    use super::*;
    use crate::identity::{Incarnation, NodeId};

    fn epoch() -> Epoch {
        Epoch { counter: 3, node: NodeId::from_bytes([7; 16]), incarnation: Incarnation(2) }
    }

    #[test]
    fn the_formats_are_held_still_and_read_exactly() {
        let bucket = Bucket(0x0102_0304);
        assert_eq!(entry_key(bucket, 5), [5, 1, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(head_key(bucket), [5, 2, 1, 2, 3, 4]);
        assert_eq!(head_bucket(&head_key(bucket)).unwrap(), bucket);
        assert!(head_bucket(&entry_key(bucket, 5)).is_err() && head_bucket(&[5, 2, 1]).is_err());
        assert_eq!(losses_key(), *b"\x04log/losses");

        let epoch_bytes = [&[3, 16][..], &[7; 16], &[2]].concat();
        let none_bytes = [&[0, 16][..], &[0; 16], &[0]].concat();
        let head = Head {
            promised: epoch(),
            layout: 9,
            doubt: Some(epoch()),
            floor: Position::new(epoch(), 4),
            commit: 6,
            generation: 1,
            losses: 8,
        };
        let expected =
            [&[1], &epoch_bytes[..], &[9, 1], &epoch_bytes, &epoch_bytes, &[4, 6, 1, 8]].concat();
        check("head", &head, &expected);

        let writes = Writes::new(b"e", &Batch::new().put("a", "1")).unwrap();
        let entry = Entry {
            layout: 9,
            position: Position::new(epoch(), 1),
            prev: Position::start(),
            payload: Some(writes),
        };
        let expected = [
            &[1, 9],
            &epoch_bytes[..],
            &[1],
            &none_bytes,
            &[0, 1, 9, 1, 1, b'e', 1, 1, b'a', 1, 1, b'1'],
        ]
        .concat();
        check("entry", &entry, &expected);
    }

    fn check<T>(what: &'static str, value: &T, expected: &[u8])
    where
        T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        assert_eq!(encode(what, value).unwrap(), expected);
        assert_eq!(&decode::<T>(what, expected).unwrap(), value);
        for cut in 0..expected.len() {
            assert!(decode::<T>(what, &expected[..cut]).is_err(), "{what} {cut}");
        }
        assert!(decode::<T>(what, &[expected, &[0]].concat()).is_err());
        assert!(decode::<T>(what, &[&[2], &expected[1..]].concat()).is_err());
    }
}
