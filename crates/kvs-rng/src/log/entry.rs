//! What a bucket's log consists of: epochs, positions, entries.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{Incarnation, NodeId};

/// One time in which one node owned the bucket, or tried to.
///
/// No epoch is ever used twice: a node counts up beyond all epochs that it knows, and if it forgets one
/// in a crash then its next start has another incarnation. Ordered by counter first, so that any node can
/// go beyond any epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch {
    /// Counts up with every take-over.
    pub counter: u64,
    /// The owner.
    pub node: NodeId,
    /// The owner's start.
    pub incarnation: Incarnation,
}

impl Epoch {
    /// Before all epochs: nobody owns the bucket.
    pub fn none() -> Self {
        Self { counter: 0, node: NodeId::from_bytes([0; 16]), incarnation: Incarnation(0) }
    }
}

impl Default for Epoch {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.counter, self.node, self.incarnation.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in a log: who put the entry there, and which one it is.
///
/// Two logs that hold an entry of the same position are the same up to there. Ordered by epoch first: of
/// two tails the greater one is of the later owner, whatever their lengths.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Under which the entry was first appended.
    pub epoch: Epoch,
    /// Counts the entries of the log from 1. Zero: before all of them.
    pub seq: u64,
}

impl Position {
    /// The position `seq` of `epoch`.
    pub fn new(epoch: Epoch, seq: u64) -> Self {
        Self { epoch, seq }
    }

    /// Before the first entry.
    pub fn start() -> Self {
        Self::default()
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry<P> {
    /// Of the [`Voters`](super::core::Voters) that its epoch is owned by.
    pub layout: u64,
    /// Its place.
    pub position: Position,
    /// The place of the entry before it.
    pub prev: Position,
    /// What is to be done; nothing in the entry that ends a take-over.
    pub payload: Option<P>,
}

impl<P: Payload> Entry<P> {
    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        ENTRY_OVERHEAD + self.payload.as_ref().map_or(0, P::size)
    }
}

/// What an entry takes besides its payload, roughly.
const ENTRY_OVERHEAD: usize = 128;

/// What the protocol has to know of what it carries.
pub trait Payload: Clone + fmt::Debug + PartialEq {
    /// About how many bytes it takes, in memory and in a message.
    fn size(&self) -> usize;
}
