//! Hints as they are stored.

use std::ops::Bound;

use kvs_core::format::stored_key;
use kvs_core::{DbaError, Key, Range, Result, RowKind, prefix_end};

use super::Hint;
use crate::hash::Bucket;
use crate::identity::NodeId;

const WHAT: &str = "hint";
const KIND: u8 = RowKind::Hint as u8;
const VERSION: u8 = 1;

pub(super) fn key(node: NodeId, bucket: Bucket, key: &Key) -> Vec<u8> {
    let mut stored = prefix(node);
    stored.extend_from_slice(&bucket.0.to_be_bytes());
    stored_key::encode_into(&mut stored, RowKind::Plain, key.partition(), key.clustering());
    stored
}

pub(super) fn value(mark: u64) -> [u8; 9] {
    let mut value = [VERSION; 9];
    if let Some(bytes) = value.last_chunk_mut() {
        *bytes = mark.to_be_bytes();
    }
    value
}

/// All hints.
pub(super) fn everything() -> Range {
    below(vec![KIND])
}

/// All hints for a node.
pub(super) fn range(node: NodeId) -> Range {
    below(prefix(node))
}

/// All hints behind this one.
pub(super) fn behind(stored: &[u8]) -> Range {
    (Bound::Excluded(stored.to_vec()), everything().1)
}

fn prefix(node: NodeId) -> Vec<u8> {
    [&[KIND], node.as_bytes().as_slice()].concat()
}

fn below(prefix: Vec<u8>) -> Range {
    let end = prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Bound::Included(prefix), end)
}

/// The node that a hint is for.
pub(super) fn target(stored: &[u8]) -> Result<NodeId> {
    Ok(parts(stored)?.0)
}

pub(super) fn read(stored: &[u8], value: &[u8]) -> Result<Hint> {
    let (_, bucket, inner) = parts(stored)?;
    let mark = match value.split_first() {
        Some((&VERSION, mark)) => mark.try_into().ok().map(u64::from_be_bytes),
        Some((version, _)) => {
            let problem = format!("unknown version {version}, this release knows {VERSION}");
            return Err(DbaError::decode(WHAT, problem));
        }
        None => None,
    };
    let mark = mark.ok_or_else(|| DbaError::decode(WHAT, "its value has a wrong length"))?;
    match stored_key::decode(inner)? {
        (RowKind::Plain, key) => Ok(Hint { bucket, key, mark }),
        (kind, _) => Err(DbaError::decode(WHAT, format!("it is of a key of kind {}", kind.name()))),
    }
}

fn parts(stored: &[u8]) -> Result<(NodeId, Bucket, &[u8])> {
    let cut = || DbaError::decode(WHAT, "its key is cut off");
    let (&[_], rest) = stored.split_first_chunk().ok_or_else(cut)?;
    let (node, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let (bucket, inner) = rest.split_first_chunk().ok_or_else(cut)?;
    Ok((NodeId::from_bytes(*node), Bucket(u32::from_be_bytes(*bucket)), inner))
}
