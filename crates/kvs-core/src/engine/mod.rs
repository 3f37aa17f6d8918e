//! Engines: ordered maps of bytes that keep what a store writes.
//!
//! An [`Engine`] is the little that a storage library has to offer: point reads, atomic batches and
//! ordered scans over stored keys. [`Store`](crate::Store) makes the contract of
//! [`Dba`](crate::Dba) out of it once, for all engines: kinds, partitions, envelopes, limits, pages,
//! durability.
//!
//! | engine | feature | for |
//! |---|---|---|
//! | [`memory`] | – | tests and caches; nothing outlives the process |
#![cfg_attr(feature = "rocksdb", doc = "| [`rocksdb`] | `rocksdb` | the default on disk |")]
#![cfg_attr(
    feature = "fjall",
    doc = "| [`fjall`] | `fjall` | on disk in pure Rust, no C++ compiler |"
)]
#![cfg_attr(
    feature = "fs",
    doc = "| [`fs`] | `fs` | a file for each row, to look at with other tools |"
)]
#![cfg_attr(
    feature = "leveldb",
    doc = "| [`leveldb`] | `leveldb` | LevelDB's format in pure Rust |"
)]

pub mod memory;

#[cfg(feature = "fjall")]
pub mod fjall;
#[cfg(feature = "fs")]
pub mod fs;
#[cfg(feature = "leveldb")]
pub mod leveldb;
#[cfg(feature = "rocksdb")]
pub mod rocksdb;

#[cfg(test)]
mod tests;
mod write_set;

use std::error::Error as StdError;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crate::error::Outcome;
use crate::scan::{Order, Range};

pub use write_set::WriteSet;

/// Whether a call may wait for the disk.
///
/// The store calls with [`Never`](Self::Never) first, on the caller's own thread. An engine that
/// would have to wait answers [`EngineError::WouldBlock`], having changed nothing, and is called
/// again with [`Allowed`](Self::Allowed) on a thread for blocking work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Answer from memory, or not at all.
    Never,
    /// Take as long as it takes.
    Allowed,
}

/// Why an engine did not do what it was asked.
#[derive(Debug)]
pub enum EngineError {
    /// It would have to wait for the disk; nothing was done.
    WouldBlock,
    /// It failed.
    Failed {
        /// Whether anything may have changed.
        outcome: Outcome,
        /// What happened.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl EngineError {
    /// A failed read: nothing can have changed.
    pub fn read(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed { outcome: Outcome::NotApplied, source: source.into() }
    }

    /// A failed write: it may have reached the log before the failure.
    pub fn write(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed { outcome: Outcome::Unknown, source: source.into() }
    }
}

/// What an engine gives back.
pub type EngineResult<T> = std::result::Result<T, EngineError>;

/// Called with the key and value of each row; says whether to go on.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// An ordered map from stored keys to stored values, shared by many threads.
///
/// Stored keys begin with their [`RowKind`](crate::RowKind); an engine may keep kinds apart, as a
/// scan never leaves its kind. After [`write`](Self::write) returns, the rows survive the end of the
/// process (where the engine is durable at all); after [`sync`](Self::sync), or a write with
/// `sync`, also the loss of power.
pub trait Engine: Send + Sync + 'static {
    /// The engine's name, as in `rocksdb`.
    fn name(&self) -> &'static str;

    /// The folder it keeps its data in, if it has one.
    fn folder(&self) -> Option<&Path>;

    /// Calls `found` with the value of `key`, if there is one.
    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()>;

    /// Applies all writes, in order, or none.
    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()>;

    /// Visits the rows of `range` in `order`, as of one moment.
    ///
    /// The range lies within one kind. Some rows may have been visited when the call fails with
    /// [`EngineError::WouldBlock`].
    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()>;

    /// Visits all rows of all kinds in ascending order, as of one moment. May wait for the disk.
    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()>;

    /// Makes every write that has returned so far survive the loss of power. Others may write
    /// meanwhile.
    fn sync(&self, wait: Wait) -> EngineResult<()>;

    /// How long the next sync takes on a simulated disk: whoever shares it waits so long on the runtime's
    /// clock, and then calls [`sync`](Self::sync). Real disks take their time by themselves.
    fn sync_time(&self) -> Duration {
        Duration::ZERO
    }

    /// Rewrites the data without what was deleted or overwritten.
    fn compact(&self) -> EngineResult<()>;
}
