//! Whole clusters in one thread, from one seed.
//!
//! A simulation runs three to seven real [nodes](kvs_rng::node) on [`turmoil`]: each with its own
//! simulated [network](net), [clock] and [disk], in simulated time. Clients read and write few keys, and
//! call few [entities], through all nodes while [faults](scenario::Fault) happen; then the faults end, and
//! every node reads everything. Of every operation a [history] is kept, and of every
//! [call](entities::Call), and [checks](check) say what must hold of it. Of records:
//!
//! - every acknowledged write, or something newer, is read by every later read;
//! - what was deleted stays deleted;
//! - a write that was answered *not applied* never shows;
//! - a batch is there whole or not at all;
//! - in the end all replicas of a key hold the same.
//!
//! Of entities:
//!
//! - the history of each is linearizable ([`kvs_check`]); a search that gives up fails the run;
//! - a feed's entries are numbered 1, 2, 3, …, every acknowledged one is there once, none that was
//!   refused is, and in the end all nodes show the same;
//! - a command is applied once, however often it is sent, by whichever client through whichever node.
//!
//! Faults stay within what is promised (`docs/CONSISTENCY.md`): of the nodes that may forget what they have
//! acknowledged there is one at most.
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
pub mod entities;
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
