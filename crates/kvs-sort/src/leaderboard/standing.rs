//! Lines of the table, and their keys in its skip list.

use kvs_core::Result;
use kvs_core::codec::ordered;
use kvs_core::limits::{CLUSTERING_BYTES_MAX, at_most};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::generation::PREFIX_BYTES_MAX;
use crate::skip_list::LEVEL_BYTES;

/// The bytes of a score in a key.
const SCORE_BYTES: usize = size_of::<f64>();

/// The longest member of a [`Leaderboard`](crate::Leaderboard), in bytes of its ordered encoding.
pub const MEMBER_BYTES_MAX: usize =
    CLUSTERING_BYTES_MAX - PREFIX_BYTES_MAX - super::KIND_BYTES - LEVEL_BYTES - SCORE_BYTES;

/// A line of a leaderboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing<M> {
    /// The place in the table: 1 is the best.
    pub rank: u64,
    /// Who.
    pub member: M,
    /// With how many points.
    pub score: f64,
}

/// The member's ordered bytes.
pub(super) fn encode_member<M: Serialize>(member: &M) -> Result<Vec<u8>> {
    let bytes = ordered::to_bytes(member)?;
    at_most("member length in bytes", bytes.len(), MEMBER_BYTES_MAX)?;
    Ok(bytes)
}

/// The key of a line: highest score first, then in the order of members.
pub(super) fn key(score: f64, member: &[u8]) -> Result<Vec<u8>> {
    let mut key = Vec::with_capacity(SCORE_BYTES + member.len());
    ordered::encode_into(&mut key, &-score)?;
    key.extend_from_slice(member);
    Ok(key)
}

impl<M: DeserializeOwned> Standing<M> {
    /// The line with this key.
    pub(super) fn read(rank: u64, key: &[u8]) -> Result<Self> {
        let (negated, member): (f64, M) = ordered::from_bytes(key)?;
        Ok(Self { rank, member, score: 0.0 - negated })
    }
    /// The lines with these keys, of which the first has this rank.
    pub(super) fn read_all(
        rank: u64,
        keys: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Vec<Self>> {
        (rank..).zip(keys).map(|(rank, key)| Self::read(rank, &key)).collect()
    }
}
