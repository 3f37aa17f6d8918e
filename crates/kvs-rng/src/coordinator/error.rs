//! What can go wrong.

use kvs_core::limits::LimitError;
use kvs_core::{DbaError, Outcome};
use thiserror::Error;

use super::message::{self, Answer, MessageError, Refusal, Short};
use super::peers::PeerError;
use crate::identity::NodeId;
use crate::replica::ReplicaError;

/// A call on the ring failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RingError {
    /// A key, value, batch or page passed a limit. Not applied; final.
    #[error(transparent)]
    Limit(#[from] LimitError),

    /// What was asked for makes no sense, such as a token of another key. Not applied; final.
    #[error(transparent)]
    Request(DbaError),

    /// The call's time was up before its work began. Not applied; may be retried.
    #[error("{operation}: the deadline passed before the work began; nothing was done")]
    Deadline {
        /// What was asked for.
        operation: &'static str,
    },

    /// This node is not part of a ring yet. Not applied; may be retried.
    #[error("{operation}: this node has no layout of a ring yet; nothing was done")]
    NoLayout {
        /// What was asked for.
        operation: &'static str,
    },

    /// The layout changed under the call. Not applied; may be retried.
    #[error("{operation}: {from} has a newer layout; nothing was done")]
    LayoutChanged {
        /// What was asked for.
        operation: &'static str,
        /// Who has it.
        from: NodeId,
    },

    /// Too many calls are in flight here. Not applied; may be retried.
    #[error("{operation}: too many calls are in flight at this node; nothing was done")]
    Busy {
        /// What was asked for.
        operation: &'static str,
    },

    /// Too few replicas answered. May be retried.
    #[error(
        "{operation}: {needed} replicas had to answer; answered: {answered:?}; failed: {failed:?}; \
         outcome: {outcome:?}"
    )]
    Quorum {
        /// What was asked for.
        operation: &'static str,
        /// How many replicas had to answer.
        needed: usize,
        /// Those that did.
        answered: Vec<String>,
        /// Those that didn't, and why.
        failed: Vec<String>,
        /// Whether anything may have changed.
        outcome: Outcome,
    },

    /// The replica of this node failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),

    /// The replica that was to do it refused.
    #[error("{operation}: {by} refused: {reason}")]
    Refused {
        /// What was asked for.
        operation: &'static str,
        /// Who refused.
        by: NodeId,
        /// Why.
        reason: String,
        /// Whether anything may have changed.
        outcome: Outcome,
        /// Whether the same call may succeed later.
        is_retryable: bool,
    },

    /// A message could not be made. Not applied; final.
    #[error(transparent)]
    Message(#[from] MessageError),
}

impl RingError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Quorum { outcome, .. } | Self::Refused { outcome, .. } => *outcome,
            Self::Replica(error) => error.outcome(),
            Self::Request(error) => error.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Limit(_) | Self::Message(_) => false,
            Self::Request(error) => error.is_retryable(),
            Self::Replica(error) => error.is_retryable(),
            Self::Refused { is_retryable, .. } => *is_retryable,
            _ => true,
        }
    }

    /// What another node is told of it.
    pub(super) fn to_answer<T>(&self) -> Answer<T> {
        let is_unknown = self.outcome() == Outcome::Unknown;
        match self {
            Self::Quorum { needed, answered, failed, .. } => Answer::Short(Short {
                needed: u32::try_from(*needed).unwrap_or(u32::MAX),
                answered: answered.clone(),
                failed: failed.clone(),
                is_unknown,
            }),
            other => Answer::Refused(Refusal {
                is_unknown,
                is_retryable: other.is_retryable(),
                elsewhere: other.is_elsewhere(),
                reason: other.to_string(),
            }),
        }
    }

    /// Whether another replica may do what this one has not: what is wrong is wrong with this node.
    pub(super) fn is_elsewhere(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::NoLayout { .. } => true,
            Self::Replica(error) => error.is_of_this_node(),
            _ => false,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Deadline { operation }
            | Self::NoLayout { operation }
            | Self::LayoutChanged { operation, .. }
            | Self::Busy { operation }
            | Self::Quorum { operation, .. }
            | Self::Refused { operation, .. } => operation,
            _ => "ring",
        }
    }
}

impl From<RingError> for DbaError {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Limit(error) => Self::Limit(error),
            RingError::Request(error) => error,
            RingError::Replica(ReplicaError::Limit(error)) => Self::Limit(error),
            RingError::Replica(ReplicaError::Store(error)) => error,
            RingError::Deadline { operation } => Self::Deadline { operation },
            RingError::Quorum { operation, needed, answered, failed, outcome } => {
                Self::Quorum { operation, needed, answered, failed, outcome }
            }
            other => Self::Ring {
                operation: other.operation(),
                outcome: other.outcome(),
                is_retryable: other.is_retryable(),
                reason: other.to_string(),
            },
        }
    }
}

/// Why one replica did not do what it was asked for.
#[derive(Clone, Debug, Error)]
pub(super) enum Failure {
    /// Surely not executed.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Perhaps executed.
    #[error("{0}")]
    Lost(String),
    /// Its layout is another one; not executed.
    #[error("it has version {mine} of the layout")]
    Layout { mine: u64 },
    /// It said no.
    #[error("{}", .0.reason)]
    Refused(Refusal),
    /// It minted a write, but too few others have it.
    #[error("too few replicas answered it")]
    Short(Short),
    /// Its answer makes no sense, or it could not be asked.
    #[error("{0}")]
    Message(#[from] MessageError),
}

impl From<PeerError> for Failure {
    fn from(error: PeerError) -> Self {
        let reason = message::shortened(&error.reason);
        if error.sent { Self::Lost(reason) } else { Self::NotSent(reason) }
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        RingError::from(error).into()
    }
}

/// The replica of this node refused, like one elsewhere.
impl From<RingError> for Failure {
    fn from(error: RingError) -> Self {
        Self::Refused(Refusal {
            is_unknown: error.outcome() == Outcome::Unknown,
            is_retryable: error.is_retryable(),
            elsewhere: error.is_elsewhere(),
            reason: error.to_string(),
        })
    }
}

/// A node and what became of it, for people.
pub(super) fn named(node: NodeId, what: impl std::fmt::Display) -> String {
    format!("{node} ({what})")
}
