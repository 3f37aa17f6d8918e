//! What a command has written so far.

use std::collections::BTreeMap;

use crate::batch::{Batch, Op};

/// Rows by clustering key, `None` where a row is removed.
pub(super) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Up to this many operations are looked through one by one.
const FEW: usize = 8;

/// The writes of a command that has not been submitted.
pub(super) enum Written {
    /// One batch of a few operations, which is what most commands write: handed on as it came.
    Once(Batch),
    /// Anything else; whether all of it makes room.
    Rows { rows: Rows, makes_room: bool },
}

impl Default for Written {
    fn default() -> Self {
        Self::Once(Batch::new())
    }
}

impl Written {
    /// These rows, laid over the committed ones.
    pub(super) fn over(rows: Rows) -> Self {
        Self::Rows { rows, makes_room: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Once(batch) => batch.is_empty(),
            Self::Rows { rows, .. } => rows.is_empty(),
        }
    }

    /// What was written to a row: `None` if nothing was, `Some(None)` if it was removed.
    pub(super) fn get(&self, clustering: &[u8]) -> Option<Option<&[u8]>> {
        match self {
            Self::Once(batch) => {
                let written = batch.ops().iter().rfind(|op| op.clustering() == clustering);
                written.map(Op::value)
            }
            Self::Rows { rows, .. } => rows.get(clustering).map(Option::as_deref),
        }
    }

    /// Adds the operations of `batch`.
    pub(super) fn write(&mut self, batch: Batch) {
        if self.is_empty() && batch.len() <= FEW {
            *self = Self::Once(batch);
            return;
        }
        let is_first = self.is_empty();
        let (rows, makes_room) = self.parts();
        *makes_room = batch.makes_room() && (is_first || *makes_room);
        rows.extend(batch.into_iter().map(row));
    }

    /// All of it, by row.
    pub(super) fn rows(&mut self) -> &mut Rows {
        self.parts().0
    }

    /// All of it, as one batch.
    pub(super) fn into_batch(self) -> Batch {
        let (rows, makes_room) = match self {
            Self::Once(batch) => return batch,
            Self::Rows { rows, makes_room } => (rows, makes_room),
        };
        let mut batch = Batch::new();
        batch.extend(rows.into_iter().map(|(clustering, value)| match value {
            Some(value) => Op::Put { clustering, value },
            None => Op::Delete { clustering },
        }));
        if makes_room { batch.making_room() } else { batch }
    }

    fn parts(&mut self) -> (&mut Rows, &mut bool) {
        loop {
            match self {
                Self::Rows { rows, makes_room } => return (rows, makes_room),
                Self::Once(batch) => {
                    let makes_room = batch.makes_room();
                    let rows = std::mem::take(batch).into_iter().map(row).collect();
                    *self = Self::Rows { rows, makes_room };
                }
            }
        }
    }
}

fn row(op: Op) -> (Vec<u8>, Option<Vec<u8>>) {
    match op {
        Op::Put { clustering, value } => (clustering, Some(value)),
        Op::Delete { clustering } => (clustering, None),
    }
}
