//! What the logs of a node have done.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the logs of a node have done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCounters {
    /// Commands that were committed here, at their owner.
    pub commands: u64,
    /// Round trips to a majority in which they were: all that waits when one begins shares it.
    pub rounds: u64,
    /// Reads at their owner that a majority confirmed; many share a round.
    pub reads_confirmed: u64,
    /// Reads of sessions that were answered from this node's own rows.
    pub reads_here: u64,
    /// Requests to other nodes; many buckets share one.
    pub calls: u64,
    /// Writes to disk; many buckets share one.
    pub writes: u64,
}

/// Counts.
#[derive(Default)]
pub(super) struct Counters {
    commands: AtomicU64,
    rounds: AtomicU64,
    reads_confirmed: AtomicU64,
    reads_here: AtomicU64,
    calls: AtomicU64,
    writes: AtomicU64,
}

impl Counters {
    pub(super) fn committed(&self, commands: usize) {
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn confirmed(&self) {
        self.reads_confirmed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn viewed(&self) {
        self.reads_here.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> LogCounters {
        LogCounters {
            commands: self.commands.load(Ordering::Relaxed),
            rounds: self.rounds.load(Ordering::Relaxed),
            reads_confirmed: self.reads_confirmed.load(Ordering::Relaxed),
            reads_here: self.reads_here.load(Ordering::Relaxed),
            calls: self.calls.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
        }
    }
}
