//! Everything that is left to chance, from one seed.

use std::sync::Arc;

use kvs_core::env::{Random, SeededRandom};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A source of draws. Clones draw from the same sequence.
#[derive(Clone, Debug)]
pub struct Draw(Arc<SeededRandom>);

impl Draw {
    /// The sequence that belongs to `name` under `seed`. Each part of a simulation has its own, so that
    /// one that draws more often does not change what another one draws.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(Arc::new(SeededRandom::new(xxh3_64_with_seed(name.as_bytes(), seed))))
    }

    /// A random number.
    pub fn number(&self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`; 0 if `n` is.
    pub fn below(&self, n: u64) -> u64 {
        self.number().checked_rem(n).unwrap_or(0)
    }

    /// A number of `low..=high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An index of a list of `len`.
    pub fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}

impl Random for Draw {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_name_make_a_sequence() {
        let numbers = |seed, name| {
            let draw = Draw::new(seed, name);
            [draw.number(), draw.number(), draw.between(3, 5)]
        };
        assert_eq!(numbers(1, "a"), numbers(1, "a"));
        assert_ne!(numbers(1, "a"), numbers(2, "a"));
        assert_ne!(numbers(1, "a"), numbers(1, "b"));
    }
}
