//! How much a core holds and sends.

use std::time::Duration;

/// Bounds of one core. Sizes are those that [`Payload::size`](crate::log::Payload::size) gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of entries in one message, more only if a single entry is larger.
    pub message_bytes: usize,
    /// Bytes of entries that an owner has appended and not yet committed; beyond that it takes nothing
    /// more.
    pub uncommitted_bytes: usize,
    /// Reads that wait for a round.
    pub reads: usize,
    /// Bytes of entries that are held for a replica that lags behind; beyond that it needs a snapshot.
    pub held_bytes: usize,
    /// What could be trimmed is, once it is this many entries …
    pub trim_entries: u64,
    /// … or the log holds this many bytes.
    pub trim_bytes: usize,
    /// For how long leases are granted, and whether they are asked for; zero: neither.
    pub lease: Duration,
}

impl Limits {
    /// Those of the product.
    pub const DEFAULT: Self = Self {
        message_bytes: 1024 * 1024,
        uncommitted_bytes: 16 * 1024 * 1024,
        reads: 65_536,
        held_bytes: 64 * 1024 * 1024,
        trim_entries: 1024,
        trim_bytes: 1024 * 1024,
        lease: Duration::ZERO,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
