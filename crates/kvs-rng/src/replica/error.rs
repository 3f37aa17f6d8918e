//! What a replica refuses, and why.

use kvs_core::limits::LimitError;
use kvs_core::{DbaError, Outcome};
use thiserror::Error;

use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::version::ClockAhead;

/// Why a replica did not do what it was asked. [`outcome`](Self::outcome) says whether anything may
/// have changed, [`is_retryable`](Self::is_retryable) whether the same call may succeed later.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// A key, a value, a batch or the siblings of a key passed a limit. Not applied; final.
    #[error("{0}; nothing was written")]
    Limit(#[from] LimitError),

    /// This node's own clock is too far ahead of its system clock. Not applied; may be retried
    /// once the system clock is set right or has caught up.
    #[error("{0}; nothing was written")]
    ClockAhead(#[from] ClockAhead),

    /// Others know writes of this node that it has never made, as far as its own data goes: the
    /// data folder is an old copy. It must not mint, or two writes would have one name, and its
    /// answers may lack what was acknowledged. Not applied; final for this data folder: remove it
    /// and join as a new node.
    #[error(
        "the data folder of node {node} is an old copy: others know writes of this node that it \
         doesn't; nothing was done. Remove the folder and let the node join anew"
    )]
    OldFolder {
        /// This node.
        node: NodeId,
    },

    /// The node started uncleanly or with a new disk, and the bucket has not been repaired since. Not applied; may be
    /// retried, and other replicas may answer at once.
    #[error(
        "bucket {bucket} is not yet repaired since this node lost power or its disk; nothing was done"
    )]
    Recovering {
        /// The bucket.
        bucket: Bucket,
    },

    /// Writes are held back while the layout changes. Not applied; may be retried in a moment.
    #[error("writes are held back for a moment, while a node joins; nothing was done")]
    Held,

    /// The replica has been closed. Not applied; final for this handle.
    #[error("the replica is closed; nothing was done")]
    Closed,

    /// The store failed to note what must be on disk before a write may begin. Not applied; may be
    /// retried if the store's error says so.
    #[error("the write was not begun: {0}")]
    NotBegun(#[source] DbaError),

    /// The store failed; its error says whether anything may have changed.
    #[error(transparent)]
    Store(#[from] DbaError),
}

impl ReplicaError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Store(error) => error.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// Whether nothing was done for a reason that another replica of the bucket need not share: its
    /// disk, its clock, its past.
    pub fn is_of_this_node(&self) -> bool {
        match self {
            Self::Limit(_) | Self::Held => false,
            Self::Store(error) => error.outcome() == Outcome::NotApplied,
            _ => true,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ClockAhead(_) | Self::Recovering { .. } | Self::Held => true,
            Self::NotBegun(error) | Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
