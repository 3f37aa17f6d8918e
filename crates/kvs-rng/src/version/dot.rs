//! The name of one write.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::NodeId;

/// Names one write: the node that minted it, and that node's count of writes.
///
/// A node counts its writes from 1, over all keys. So the dots of one key have gaps, and no two writes
/// ever have the same dot. Dots are ordered by node, then
/// counter; the order says nothing about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    /// The node that minted the write.
    pub node: NodeId,
    /// Which of the node's writes it is, from 1.
    pub counter: u64,
}

impl Dot {
    /// The write `counter` of `node`.
    pub fn new(node: NodeId, counter: u64) -> Self {
        Self { node, counter }
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.counter)
    }
}
