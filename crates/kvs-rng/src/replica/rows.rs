//! The stored keys and values of a replica; the front page draws them.

use std::ops::Bound;

use kvs_core::format::stored_key;
use kvs_core::{DbaError, Key, Range, Result, RowKind, StoredRow, prefix_end};
use xxhash_rust::xxh3::xxh3_64;

use super::item::Item;
use super::leaves::Leaves;
use crate::hash::Bucket;
use crate::version::Versions;

/// Bytes before the stored key of the row: kind and bucket.
const PREFIX: usize = 5;
const DIGEST_VERSION: u8 = 1;

fn prefix(kind: RowKind, bucket: Bucket) -> [u8; PREFIX] {
    let [a, b, c, d] = bucket.0.to_be_bytes();
    [kind as u8, a, b, c, d]
}

/// Where the versions of a key are.
pub(super) fn key(bucket: Bucket, key: &Key) -> Vec<u8> {
    let (partition, clustering) = (key.partition(), key.clustering());
    let mut stored = Vec::with_capacity(PREFIX + 3 + partition.len() + clustering.len());
    stored.extend_from_slice(&prefix(RowKind::Replica, bucket));
    stored_key::encode_into(&mut stored, RowKind::Plain, partition, clustering);
    stored
}

/// The row's own stored key, which is the same in every bucket: what is hashed.
pub(super) fn inner(stored: &[u8]) -> &[u8] {
    stored.get(PREFIX..).unwrap_or_default()
}

/// The leaf of a row, by its own stored key.
pub(super) fn leaf(inner: &[u8]) -> u8 {
    let [high, ..] = xxh3_64(inner).to_be_bytes();
    high
}

/// All rows of all buckets.
pub(super) fn everything() -> Range {
    let start = [RowKind::Replica as u8];
    (Bound::Included(start.to_vec()), above(&start))
}

/// The rows of a bucket behind a key.
pub(super) fn bucket_range(bucket: Bucket, after: Option<&Key>) -> Range {
    let prefix = prefix(RowKind::Replica, bucket);
    let start = match after {
        Some(after) => Bound::Excluded(key(bucket, after)),
        None => Bound::Included(prefix.to_vec()),
    };
    (start, above(&prefix))
}

/// The rows of a range of a partition.
pub(super) fn partition_range(bucket: Bucket, partition: &[u8], range: &Range) -> Range {
    let prefix = prefix(RowKind::Replica, bucket);
    let (start, end) = stored_key::partition_range(RowKind::Plain, partition, range);
    let stored = |bound: Bound<Vec<u8>>| bound.map(|inner| [&prefix[..], &inner].concat());
    (stored(start), stored(end))
}

/// Reads a row back.
pub(super) fn read(row: &StoredRow) -> Result<Item> {
    let (_, key) = stored_key::decode(inner(&row.key))?;
    Ok(Item { key, versions: Versions::decode(&row.value)? })
}

/// Where the leaves of a bucket are.
pub(super) fn leaves_range(bucket: Bucket) -> Range {
    let prefix = prefix(RowKind::Digest, bucket);
    (Bound::Included(prefix.to_vec()), above(&prefix))
}

/// Where a leaf is.
pub(super) fn leaf_key(bucket: Bucket, leaf: u8) -> [u8; PREFIX + 1] {
    let [kind, a, b, c, d] = prefix(RowKind::Digest, bucket);
    [kind, a, b, c, d, leaf]
}

/// A sum, and the end of a block of dots: a version and a number.
pub(super) fn number(number: u64) -> [u8; 9] {
    let mut value = [DIGEST_VERSION; 9];
    let [_, bytes @ ..] = &mut value;
    *bytes = number.to_be_bytes();
    value
}

/// Reads a number back.
pub(super) fn read_number(what: &'static str, value: &[u8]) -> Result<u64> {
    let problem = match value {
        [DIGEST_VERSION, rest @ ..] => match rest.try_into() {
            Ok(bytes) => return Ok(u64::from_be_bytes(bytes)),
            Err(_) => format!("it has {} bytes instead of 8", rest.len()),
        },
        [version, ..] => {
            format!("it has format version {version}, this release knows {DIGEST_VERSION}")
        }
        [] => "it is empty".to_owned(),
    };
    Err(DbaError::decode(what, problem))
}

/// Reads the leaves of a bucket back.
pub(super) fn read_leaves(rows: &[StoredRow]) -> Result<Leaves> {
    let mut leaves = Leaves::default();
    for row in rows {
        let [leaf] = inner(&row.key) else {
            return Err(DbaError::decode("leaf of a bucket", "its key has a wrong length"));
        };
        leaves.set(*leaf, read_number("leaf of a bucket", &row.value)?);
    }
    Ok(leaves)
}

fn above(prefix: &[u8]) -> Bound<Vec<u8>> {
    prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded)
}
