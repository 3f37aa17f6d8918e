//! Writes to one partition that happen together or not at all.

use crate::limits::{self, BATCH_BYTES_MAX, BATCH_OPS_MAX, LimitError};

/// One write to a row of the batch's partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets the row to a value.
    Put {
        /// The row.
        clustering: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// Removes the row, if it is there.
    Delete {
        /// The row.
        clustering: Vec<u8>,
    },
}

impl Op {
    /// The row that is written.
    pub fn clustering(&self) -> &[u8] {
        match self {
            Self::Put { clustering, .. } | Self::Delete { clustering } => clustering,
        }
    }

    /// The row's new value; `None` if it is removed.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Put { value, .. } => Some(value),
            Self::Delete { .. } => None,
        }
    }
}

/// Writes to rows of one partition, applied in order and atomically.
///
/// At most 10,000 operations and 16 MiB of clustering keys and values.
///
/// ```
/// use kvs_core::Batch;
///
/// let batch = Batch::new().put("a", "1").put("b", "2").delete("c");
/// assert_eq!(batch.len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ops: Vec<Op>,
    bytes: usize,
    makes_room: bool,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds: set the row `clustering` to `value`.
    #[must_use]
    pub fn put(mut self, clustering: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.push(Op::Put { clustering: clustering.into(), value: value.into() });
        self
    }

    /// Adds: remove the row `clustering`.
    #[must_use]
    pub fn delete(mut self, clustering: impl Into<Vec<u8>>) -> Self {
        self.push(Op::Delete { clustering: clustering.into() });
        self
    }

    /// Says that these writes make room, or let room be made later, as a small note that something
    /// large is no longer wanted does. On a disk with hardly any room left a store refuses them last.
    #[must_use]
    pub fn making_room(self) -> Self {
        Self { makes_room: true, ..self }
    }

    /// Whether these writes [make room](Self::making_room).
    pub fn makes_room(&self) -> bool {
        self.makes_room
    }

    /// Adds `op`.
    pub fn push(&mut self, op: Op) {
        self.bytes += op.clustering().len() + op.value().map_or(0, <[u8]>::len);
        self.ops.push(op);
    }

    /// The operations, in order.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Bytes of clustering keys and values together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Checks the batch and each of its operations against their limits.
    pub fn check(&self) -> Result<(), LimitError> {
        limits::at_most("operations in a batch", self.len(), BATCH_OPS_MAX)?;
        for op in &self.ops {
            limits::check_clustering(op.clustering())?;
            limits::check_value(op.value().unwrap_or_default())?;
        }
        limits::at_most("bytes in a batch", self.bytes, BATCH_BYTES_MAX)
    }
}

impl IntoIterator for Batch {
    type Item = Op;
    type IntoIter = std::vec::IntoIter<Op>;

    fn into_iter(self) -> Self::IntoIter {
        self.ops.into_iter()
    }
}

impl Extend<Op> for Batch {
    fn extend<I: IntoIterator<Item = Op>>(&mut self, ops: I) {
        for op in ops {
            self.push(op);
        }
    }
}
