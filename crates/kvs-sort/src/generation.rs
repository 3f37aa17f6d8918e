//! Generations: how a set of any size is cleared by one small write.
//!
//! A batch holds 10,000 operations, so the rows of a larger set can't be deleted in one. Instead
//! each row's key begins with the generation it belongs to, and the header says which one counts:
//!
//! ```text
//! ┌──────┬─────────────────────────┬──────────────┐
//! │ 0x10 │ generation: 1 to 9 bytes │ the row's own │
//! └──────┴─────────────────────────┴──────────────┘
//! ```
//!
//! To clear is to begin the next generation. The rows of those before it are in nobody's way; a
//! sweep deletes them in steps. It remembers how far it got, since a scan that begins before what
//! was just deleted has to step over every trace of it.

use std::ops::Bound;

use kvs_core::{Batch, Op, Result, Scan};
use serde::{Deserialize, Serialize};

use crate::rows::Rows;

const PREFIX: u8 = 0x10;

/// The most bytes that a generation puts in front of a row's own key.
pub(crate) const PREFIX_BYTES_MAX: usize = 10;

/// The most rows that one step of a clean-up deletes, whatever it is asked for: a batch has room for
/// them, and for what an entity's store adds to it.
pub const CLEANUP_ROWS_MAX: usize = 5_000;

/// What a step of a clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// How many rows were deleted.
    pub removed: u64,
    /// Whether there are more to delete.
    pub more: bool,
}

/// The generation that counts, and how far those before it are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation {
    number: u64,
    /// No row of an older generation is at or before this key.
    swept: Vec<u8>,
}

impl Default for Generation {
    fn default() -> Self {
        Self { number: 0, swept: vec![PREFIX] }
    }
}

impl Generation {
    /// What the keys of this generation's rows begin with.
    ///
    /// The number is written as its length and then its bytes from the highest one on, which keeps
    /// the order of numbers.
    pub(crate) fn prefix(&self) -> Vec<u8> {
        let zeros = self.number.leading_zeros() / 8;
        let bytes = self.number.to_be_bytes().into_iter().skip(zeros as usize);
        let mut prefix = vec![PREFIX, (8 - zeros) as u8];
        prefix.extend(bytes);
        prefix
    }

    /// Begins the next generation, which is empty.
    pub(crate) fn advance(&mut self) {
        self.number = self.number.wrapping_add(1);
    }

    /// The batch that deletes up to `limit` rows of older generations.
    pub(crate) async fn sweep(&mut self, rows: &Rows, limit: usize) -> Result<(Batch, Cleaned)> {
        let end = self.prefix();
        let range = (Bound::Excluded(self.swept.clone()), Bound::Excluded(end.clone()));
        let page = rows.scan(&Scan::range(range).limit(limit.min(CLEANUP_ROWS_MAX))).await?;
        let cleaned = Cleaned { removed: page.len() as u64, more: page.resume.is_some() };
        self.swept = match page.last() {
            Some(last) if cleaned.more => last.clustering.to_vec(),
            _ => end,
        };
        let mut batch = Batch::new();
        let keys = page.rows().map(|row| row.clustering.to_vec());
        batch.extend(keys.map(|clustering| Op::Delete { clustering }));
        Ok((batch, cleaned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_keep_the_order_of_generations() {
        let mut numbers = vec![0, 1, 2, 255, 256, 65_535, 65_536, u64::MAX - 1, u64::MAX];
        numbers.extend((0..64).map(|bit| 1_u64 << bit));
        numbers.sort_unstable();
        numbers.dedup();
        let prefixes: Vec<_> = numbers
            .into_iter()
            .map(|number| Generation { number, ..Generation::default() }.prefix())
            .collect();
        for pair in prefixes.windows(2) {
            assert!(pair[0] < pair[1] && !pair[1].starts_with(&pair[0]), "{pair:?}");
            assert!(pair[1].len() <= PREFIX_BYTES_MAX);
        }
    }
}
