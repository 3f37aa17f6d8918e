//! Whole clusters in one thread, from one seed.
//!
//! A simulation runs three to seven real [nodes](kvs_rng::node) on [`turmoil`]: each with its own
//! simulated [network](net), [clock] and [disk], in simulated time. Clients read and write few keys
//! through all nodes while [faults](scenario::Fault) happen; then the faults end, and every node reads
//! everything. Of every operation a [history] is kept, and [checks](check) say what must hold of it:
//!
//! - every acknowledged write, or something newer, is read by every later read;
//! - what was deleted stays deleted;
//! - a write that was answered *not applied* never shows;
//! - a batch is there whole or not at all;
//! - in the end all replicas of a key hold the same.
//!
//! Everything that is left to chance is [drawn](draw) from the seed, so a run that fails can be run
//! again, and fails again (FoundationDB made this way of testing known: Zhou et al., *FoundationDB: A
//! Distributed Unbundled Transactional Key Value Store*, SIGMOD 2021).
//!
//! ```text
//! cargo xtask sim --seeds 1..200      each seed another cluster, other faults
//! cargo xtask sim --seed 42           one of them again
//! ```

mod alone;
pub mod check;
mod client;
pub mod clock;
pub mod disk;
pub mod draw;
pub mod history;
mod host;
pub mod mints;
pub mod net;
pub mod replicas;
pub mod run;
pub mod scenario;
pub mod world;

pub use run::{Run, run};
pub use scenario::Scenario;
