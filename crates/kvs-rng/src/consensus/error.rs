//! Why the consensus can't be had.

use std::sync::Arc;

use kvs_core::Outcome;
use thiserror::Error;

use super::config::{RaftId, StorageError};
use crate::identity::NodeId;
use crate::layout::Layout;

/// The consensus of this node can't start or has stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConsensusError {
    /// The times make no sense. Nothing was started.
    #[error("the configuration of the consensus: {0}")]
    Config(String),
    /// The store failed, or holds what can't be read; or the consensus was shut down. Final until the
    /// node is started again.
    #[error("the consensus of this node has stopped: {0}")]
    Stopped(String),
}

impl ConsensusError {
    pub(crate) fn stopped(error: impl ToString) -> Self {
        Self::Stopped(error.to_string())
    }
}

impl From<StorageError> for ConsensusError {
    fn from(error: StorageError) -> Self {
        Self::stopped(error)
    }
}

impl From<openraft::error::Fatal<RaftId>> for ConsensusError {
    fn from(error: openraft::error::Fatal<RaftId>) -> Self {
        Self::stopped(error)
    }
}

/// Why no cluster was founded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FoundError {
    /// This node is part of a cluster. Nothing changed; final.
    #[error("this node is part of a cluster already; nothing was founded")]
    Exists,
    /// The layout is not one of this node alone. Nothing changed; final.
    #[error("the first layout of a cluster has one member, the node that founds it: {node}")]
    Members {
        /// This node.
        node: NodeId,
    },
    /// The consensus failed on the way. Founding again goes on where it stopped.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
}

/// Why a change of the layout was not made, as far as is known.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// The change makes no sense on the layout as it is, or is not wanted. Not applied; final as long
    /// as the layout stays so.
    #[error("the change is refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
        /// The layout that it was refused on, if there is one.
        layout: Option<Arc<Layout>>,
    },
    /// No leader was found in time: none is elected, or none can be reached from here. Not applied; may
    /// be retried.
    #[error("no leader of the layout was found in time; nothing changed")]
    NoLeader,
    /// The leader can't reach a majority of the voters. Not applied; may be retried when they are back.
    #[error("a majority of the voters on the layout can't be reached; nothing changed")]
    NoMajority,
    /// Too many changes were under way. Not applied; may be retried.
    #[error("too many changes of the layout are under way; nothing changed")]
    Busy,
    /// It can't be found out now whether the change is wanted. Not applied; may be retried.
    #[error("nothing changed yet: {0}")]
    NotNow(String),
    /// The change was on its way when its time was up or its leader was lost. It may have been applied
    /// or may still be: look at the layout before repeating it.
    #[error("it is not known whether the change was or will be made: {0}")]
    Unknown(String),
    /// None of the seeds could be asked, or none would answer. Not applied; may be retried.
    #[error("no node of the cluster could be asked; nothing changed: {0}")]
    Unreachable(String),
    /// This node's consensus has stopped. Not applied; final until the node is started again.
    #[error("nothing changed: {0}")]
    Stopped(String),
}

impl ProposeError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unknown(_) => Outcome::Unknown,
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::NoLeader | Self::NoMajority | Self::Busy | Self::NotNow(_) | Self::Unreachable(_)
        )
    }
}

/// Why a node's layout could not be fetched. Nothing changed; may be retried.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The node could not be asked, or refused.
    #[error("{0}")]
    Call(String),
    /// It has none: it is in no cluster yet.
    #[error("the node has no layout yet")]
    None,
}
