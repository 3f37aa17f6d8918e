//! Limits and times.

use std::time::Duration;

/// Longest name of a region, in bytes.
pub const REGION_NAME_BYTES_MAX: usize = 128;
/// Longest deadline that a message may have; a longer one is cut to this.
pub const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest text of a panic or of another cause that a caller is told, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 10;

/// Limits and times of the regions that are started with it. Better the same on all nodes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long a message may take, from `send` to its reply, unless it says otherwise. At most
    /// [`DEADLINE_MAX`]. Default 5 s.
    pub deadline: Duration,
    /// Most messages for one entity that this node has under way for its own callers. Further
    /// callers wait, in order, until their deadline. At least 1. Default 64.
    pub callers_max: usize,
    /// Most messages for all entities that this node has under way to one other node; further ones
    /// wait in order. At least 1, and well below the requests that a connection between two nodes
    /// takes at a time (256): the replication of what messages write goes the same way, and must not
    /// wait behind messages that wait for it. Default 128.
    pub calls_max: usize,
    /// Most messages from all nodes that an entity's mailbox holds at its owner; one more is refused
    /// as busy. Must be larger than `callers_max`, or callers of other nodes may find no room.
    /// Default 1,024.
    pub mailbox_max: usize,
    /// Most idle entities of a region whose state is kept; beyond it the one that was idle longest is
    /// passivated. Default 100,000.
    pub idle_max: usize,
    /// Largest message, in bytes as encoded. Default 16 MiB.
    pub message_bytes_max: usize,
    /// Largest reply, in bytes as encoded. Default 16 MiB.
    pub reply_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            callers_max: 64,
            calls_max: 128,
            mailbox_max: 1024,
            idle_max: 100_000,
            message_bytes_max: 16 << 20,
            reply_bytes_max: 16 << 20,
        }
    }
}
