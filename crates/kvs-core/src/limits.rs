//! Every limit of the store, in one place.
//!
//! A limit that is passed gives [`DbaError::Limit`](crate::DbaError::Limit), which names the thing,
//! what was found and what is allowed. Nothing has changed then.

use thiserror::Error;

/// Longest partition part of a key, in bytes.
pub const PARTITION_BYTES_MAX: usize = 1 << 10;
/// Longest clustering part of a key, in bytes.
pub const CLUSTERING_BYTES_MAX: usize = 1 << 10;
/// Largest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 << 20;
/// Most operations in one batch.
pub const BATCH_OPS_MAX: usize = 10_000;
/// Largest batch, in bytes of clustering keys and values together.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// Most rows in one page of a scan.
pub const PAGE_ROWS_MAX: usize = 10_000;
/// A page of a scan ends once it holds this many bytes; one row may pass it.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

/// Something passed a limit; nothing was changed, and trying again won't help.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what} is {found}, the limit is {limit}")]
pub struct LimitError {
    /// What passed the limit, with its unit, as in `partition length in bytes`.
    pub what: &'static str,
    /// What was found.
    pub found: usize,
    /// The limit: the least or the most that is allowed.
    pub limit: usize,
}

/// Checks `found` against the most that is allowed.
pub fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), LimitError> {
    if found <= limit { Ok(()) } else { Err(LimitError { what, found, limit }) }
}

/// Checks the partition part of a key: 1 to [`PARTITION_BYTES_MAX`] bytes.
pub fn check_partition(partition: &[u8]) -> Result<(), LimitError> {
    if partition.is_empty() {
        return Err(LimitError {
            what: "partition length in bytes (empty key)",
            found: 0,
            limit: 1,
        });
    }
    at_most("partition length in bytes", partition.len(), PARTITION_BYTES_MAX)
}

/// Checks the clustering part of a key: 0 to [`CLUSTERING_BYTES_MAX`] bytes.
pub fn check_clustering(clustering: &[u8]) -> Result<(), LimitError> {
    at_most("clustering length in bytes", clustering.len(), CLUSTERING_BYTES_MAX)
}

/// Checks a value: 0 to [`VALUE_BYTES_MAX`] bytes.
pub fn check_value(value: &[u8]) -> Result<(), LimitError> {
    at_most("value length in bytes", value.len(), VALUE_BYTES_MAX)
}
