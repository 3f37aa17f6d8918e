//! Writes on their way to an engine.

use std::ops::Range;

use crate::batch::Batch;
use crate::format::envelope::Envelope;
use crate::format::stored_key::{self, RowKind};

/// Writes of stored rows, in order; the engine applies all or none.
///
/// Keys and values lie one after another in one buffer: a batch costs two allocations, however many
/// rows it has.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    bytes: Vec<u8>,
    writes: Vec<Write>,
}

#[derive(Clone, Debug)]
struct Write {
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl WriteSet {
    /// An empty set with room for `writes` writes of `bytes` bytes together.
    pub fn with_capacity(writes: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), writes: Vec::with_capacity(writes) }
    }

    /// Adds: set a row to a value, in its envelope; `None` removes the row.
    pub fn row(
        &mut self,
        kind: RowKind,
        partition: &[u8],
        clustering: &[u8],
        value: Option<&[u8]>,
    ) {
        self.push(
            |bytes| stored_key::encode_into(bytes, kind, partition, clustering),
            value.map(|value| |bytes: &mut Vec<u8>| Envelope::new(value).encode_into(bytes)),
        );
    }

    /// Adds all of `batch`, to rows of one partition.
    pub fn batch(&mut self, kind: RowKind, partition: &[u8], batch: &Batch) {
        let prefix = stored_key::encode(kind, partition, &[]);
        for op in batch.ops() {
            let key = |bytes: &mut Vec<u8>| {
                bytes.extend_from_slice(&prefix);
                bytes.extend_from_slice(op.clustering());
            };
            let value = op.value();
            self.push(
                key,
                value.map(|value| |bytes: &mut Vec<u8>| Envelope::new(value).encode_into(bytes)),
            );
        }
    }

    /// Adds: set a stored key to a stored value, both as they are; `None` removes the key.
    pub fn stored(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.push(
            |bytes| bytes.extend_from_slice(key),
            value.map(|value| |bytes: &mut Vec<u8>| bytes.extend_from_slice(value)),
        );
    }

    fn push(&mut self, key: impl FnOnce(&mut Vec<u8>), value: Option<impl FnOnce(&mut Vec<u8>)>) {
        let start = self.bytes.len();
        key(&mut self.bytes);
        let middle = self.bytes.len();
        let value = value.map(|value| {
            value(&mut self.bytes);
            middle..self.bytes.len()
        });
        self.writes.push(Write { key: start..middle, value });
    }

    /// The writes: stored key, and stored value or `None` for a removal.
    #[expect(clippy::indexing_slicing, reason = "the ranges were measured in this very buffer")]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|write| {
            (&self.bytes[write.key.clone()], write.value.clone().map(|value| &self.bytes[value]))
        })
    }

    /// How many writes there are.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Bytes of all keys and values together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
