//! What goes in and out of a replica.

use kvs_core::Key;

use crate::version::{VersionVector, Versions};

/// All that a replica holds of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: Key,
    /// Its versions, whole.
    pub versions: Versions,
}

/// A client's write of one row, before a replica has minted it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// Which row of the partition.
    pub clustering: Vec<u8>,
    /// The value; `None` deletes.
    pub value: Option<Vec<u8>>,
    /// From when on it reads as absent, in milliseconds since 1970 UTC.
    pub expires_at_ms: Option<u64>,
    /// What its client had read, and it replaces; `None` replaces all that the replica holds.
    pub seen: Option<VersionVector>,
}

impl Write {
    /// Sets a row to a value that doesn't expire, in place of all that the replica holds.
    pub fn put(clustering: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            clustering: clustering.into(),
            value: Some(value.into()),
            expires_at_ms: None,
            seen: None,
        }
    }

    /// Deletes a row, all that the replica holds of it.
    pub fn delete(clustering: impl Into<Vec<u8>>) -> Self {
        Self { clustering: clustering.into(), ..Self::default() }
    }
}
