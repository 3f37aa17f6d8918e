//! Tests across the crates; see the binaries in this folder. Here is what they share.

mod engine;
pub mod journal;
pub mod payload;

pub use engine::Engine;
