//! Values that tell whether they came back unchanged.

use kvs_core::env::{Random, SeededRandom};

/// A value of `len` bytes that belongs to `key`: the same each time, and impossible to compress.
pub fn of(key: u64, len: usize) -> Vec<u8> {
    let mut value = vec![0; len];
    SeededRandom::new(key).fill(&mut value);
    value
}
