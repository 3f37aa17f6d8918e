//! The key of a row: which partition, and where in it.

use std::fmt;

use crate::limits::{self, LimitError};

/// The address of a row.
///
/// The **partition** decides where a row lives; all rows of a partition live together, can be
/// scanned in order and written in one atomic batch. The **clustering** part orders the rows inside
/// their partition, byte by byte; a plain key has an empty one.
///
/// A partition has 1 to 1,024 bytes, a clustering part 0 to 1,024; the store checks both.
///
/// ```
/// use kvs_core::Key;
///
/// let plain = Key::from("user/42");
/// assert!(plain.clustering().is_empty());
///
/// let row = Key::new("user/42", "email");
/// assert_eq!(row.to_string(), "user/42:email");
/// assert!(Key::from("").check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    partition: Vec<u8>,
    clustering: Vec<u8>,
}

impl Key {
    /// The key of the row `clustering` in `partition`.
    pub fn new(partition: impl Into<Vec<u8>>, clustering: impl Into<Vec<u8>>) -> Self {
        Self { partition: partition.into(), clustering: clustering.into() }
    }

    /// The part that decides where the row lives.
    pub fn partition(&self) -> &[u8] {
        &self.partition
    }

    /// The part that orders the row inside its partition.
    pub fn clustering(&self) -> &[u8] {
        &self.clustering
    }

    /// Checks both parts against their limits.
    pub fn check(&self) -> Result<(), LimitError> {
        limits::check_partition(&self.partition)?;
        limits::check_clustering(&self.clustering)
    }
}

impl From<&str> for Key {
    fn from(partition: &str) -> Self {
        Self::new(partition, [])
    }
}

impl From<String> for Key {
    fn from(partition: String) -> Self {
        Self::new(partition, [])
    }
}

impl From<&[u8]> for Key {
    fn from(partition: &[u8]) -> Self {
        Self::new(partition, [])
    }
}

impl From<Vec<u8>> for Key {
    fn from(partition: Vec<u8>) -> Self {
        Self::new(partition, [])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.partition.escape_ascii())?;
        if self.clustering.is_empty() {
            return Ok(());
        }
        write!(f, ":{}", self.clustering.escape_ascii())
    }
}
