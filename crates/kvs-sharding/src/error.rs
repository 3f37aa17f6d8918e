//! What can go wrong with a message, and whether it may have been handled.

use kvs_core::{DbaError, Outcome};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A message got no reply.
///
/// [`outcome`](Self::outcome) says whether its handler may have run, and
/// [`is_retryable`](Self::is_retryable) whether the same message may succeed later.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a message for {entity:?} of the region {region}: {cause}")]
pub struct SendError {
    /// The region.
    pub region: String,
    /// The entity's id.
    pub entity: String,
    /// What happened.
    #[source]
    pub cause: Cause,
}

impl SendError {
    pub(crate) fn new(region: &str, entity: &[u8], cause: Cause) -> Self {
        Self { region: region.to_owned(), entity: entity.escape_ascii().to_string(), cause }
    }

    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        self.cause.outcome()
    }

    /// Whether the same message may succeed later. If the [outcome](Self::outcome) is *unknown*,
    /// repeat it only with the same command id.
    pub fn is_retryable(&self) -> bool {
        self.cause.is_retryable()
    }
}

impl From<SendError> for DbaError {
    fn from(error: SendError) -> Self {
        Self::Ring {
            operation: "command",
            outcome: error.outcome(),
            is_retryable: error.is_retryable(),
            reason: error.to_string(),
        }
    }
}

/// Why a message got no reply.
// Nodes tell each other causes: the order of the variants is part of the wire format. New ones go to
// the end.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// No node took the message on within the deadline and the number of tries: owners changed, or
    /// were out of reach. Not applied; may be retried.
    #[error("not applied: {reason}")]
    NotApplied {
        /// What the last try ended with.
        reason: String,
    },

    /// The entity has too much to do: the message waited for its turn until its deadline, or found
    /// no room in the mailbox. Not applied; may be retried, better later than sooner.
    #[error("busy: {reason}; it was not applied")]
    Busy {
        /// What the message waited for.
        reason: String,
    },

    /// Too few of the nodes that hold the entity are up. Not applied; may be retried.
    #[error("no majority: {reason}; it was not applied")]
    NoMajority {
        /// Who was missing.
        reason: String,
    },

    /// The message was sent, and its answer lost. Unknown; may be repeated with the same command id.
    #[error("outcome unknown: {reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },

    /// The handler had begun and was not done by the deadline; it was stopped, and the entity goes
    /// on with fresh state. Unknown; may be repeated with the same command id.
    #[error("outcome unknown: the handler was not done by the deadline")]
    Deadline,

    /// The handler panicked; the entity goes on with fresh state. Unknown; final, as it is likely to
    /// panic again.
    #[error("outcome unknown: the handler panicked: {message}")]
    Panicked {
        /// What the panic said, cut off at [`TEXT_BYTES_MAX`](crate::TEXT_BYTES_MAX) bytes.
        message: String,
    },

    /// The handler at the owner doesn't know such a message: it is of another type, or of a newer
    /// version. Not applied; final until the owner's program is a newer one.
    #[error("not applied: no handler knows this message: {detail}")]
    UnknownMessage {
        /// What the decoder said.
        detail: String,
    },

    /// The owner has no region of that name. Not applied; may be retried once it is started there.
    #[error("not applied: the region is not started at {at}")]
    UnknownRegion {
        /// The owner.
        at: String,
    },

    /// The id or the message passes a limit. Not applied; final.
    #[error("not applied: {what} is {found}, the limit is {limit}")]
    Limit {
        /// What passed the limit, with its unit.
        what: String,
        /// What was found.
        found: u64,
        /// The least or the most that is allowed.
        limit: u64,
    },

    /// The message can't be turned into bytes. Not applied; final.
    #[error("not applied: the message can't be encoded: {detail}")]
    Encode {
        /// What the encoder said.
        detail: String,
    },

    /// The message was handled, and its reply is larger than a reply may be. Unknown: what the
    /// handler did is done; final.
    #[error("it was handled, but its reply of {found} bytes passes the limit of {limit}")]
    ReplyTooLarge {
        /// The reply's size in bytes.
        found: u64,
        /// The limit in bytes.
        limit: u64,
    },

    /// The message was handled, and its reply can't be encoded, or is not understood here. Unknown:
    /// what the handler did is done; final.
    #[error("it was handled, but its reply can't be read: {detail}")]
    Reply {
        /// What the codec said.
        detail: String,
    },
}

impl Cause {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotApplied { .. }
            | Self::Busy { .. }
            | Self::NoMajority { .. }
            | Self::UnknownMessage { .. }
            | Self::UnknownRegion { .. }
            | Self::Limit { .. }
            | Self::Encode { .. } => Outcome::NotApplied,
            Self::Unknown { .. }
            | Self::Deadline
            | Self::Panicked { .. }
            | Self::ReplyTooLarge { .. }
            | Self::Reply { .. } => Outcome::Unknown,
        }
    }

    /// Whether the same message may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotApplied { .. }
            | Self::Busy { .. }
            | Self::NoMajority { .. }
            | Self::UnknownRegion { .. }
            | Self::Unknown { .. }
            | Self::Deadline => true,
            Self::Panicked { .. }
            | Self::UnknownMessage { .. }
            | Self::Limit { .. }
            | Self::Encode { .. }
            | Self::ReplyTooLarge { .. }
            | Self::Reply { .. } => false,
        }
    }
}

/// A region could not be started. Nothing was left behind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// There is a region of that name already.
    #[error("a region {name:?} is started already")]
    Taken {
        /// The name.
        name: String,
    },
    /// The name is empty or too long.
    #[error("a region's name has {found} bytes; 1 to {limit} are allowed")]
    Name {
        /// The name's length in bytes.
        found: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A limit of the configuration is zero, or the mailbox takes no more than one node's callers.
    #[error("the configuration makes no sense: {detail}")]
    Config {
        /// What is wrong with it.
        detail: &'static str,
    },
}
