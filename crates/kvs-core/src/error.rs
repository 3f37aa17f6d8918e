//! What can go wrong, whether anything changed, and whether to try again.

use std::error::Error as StdError;
use std::path::PathBuf;

use thiserror::Error;

use crate::limits::LimitError;

/// What a failed write left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing changed and nothing will: it is safe to do it again.
    NotApplied,
    /// It may have been applied, or may still be. Read to find out, or repeat it with the same
    /// command id.
    Unknown,
}

/// An error of a store.
///
/// Each variant says what happened and on what; [`outcome`](Self::outcome) says whether anything
/// may have changed and [`is_retryable`](Self::is_retryable) whether the same call may succeed
/// later.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DbaError {
    /// A key, value, batch or page passed a limit. Not applied; final.
    #[error(transparent)]
    Limit(#[from] LimitError),

    /// The call's time was up before its work began. Not applied; may be retried.
    #[error("{operation}: the deadline passed before the work began; nothing was done")]
    Deadline {
        /// What was asked for.
        operation: &'static str,
    },

    /// The name belongs to an entity of another type. Not applied; final.
    #[error("{name:?} is a {found}, not a {expected}")]
    WrongType {
        /// The entity's name.
        name: String,
        /// The type it has.
        found: String,
        /// The type that was asked for.
        expected: &'static str,
    },

    /// A value could not be turned into bytes. Not applied; final.
    #[error("{what} can't be encoded: {detail}")]
    Encode {
        /// The type of the value.
        what: &'static str,
        /// What the encoder said.
        detail: String,
    },

    /// Stored bytes could not be read as what they should be. Nothing changed; final.
    #[error("{what} can't be decoded: {detail}")]
    Decode {
        /// What was being read.
        what: &'static str,
        /// What was found there.
        detail: String,
    },

    /// A resume token was not made by this store for such a scan. Nothing changed; final.
    #[error("not a resume token of this scan: {detail}")]
    ResumeToken {
        /// What is wrong with it.
        detail: &'static str,
    },

    /// The command's id is older than the results that are kept, so it is not known whether it
    /// ran, and it is never run again. Unknown; final.
    #[error("command {id} on {name:?} is older than the {kept} results that are kept")]
    CommandForgotten {
        /// The command's id.
        id: String,
        /// The entity's name.
        name: String,
        /// How many results are kept for each entity.
        kept: usize,
    },

    /// The command's id was used before, for another command. This one was not applied; final: make
    /// an id for each command.
    #[error("command {id} on {name:?} was another command before; this one was not applied")]
    CommandReused {
        /// The command's id.
        id: String,
        /// The entity's name.
        name: String,
    },

    /// The command's id was made further in the future than the owner of the entity allows: results
    /// are kept by the time of their ids, and such an id would push out those of others. Not
    /// applied; final until the clock that is wrong is set right.
    #[error(
        "command {id} on {name:?} was made {ahead_ms} ms ahead of the clock of the entity's owner, \
         {limit_ms} ms are allowed; one of the two clocks is wrong; nothing was changed"
    )]
    CommandAhead {
        /// The command's id.
        id: String,
        /// The entity's name.
        name: String,
        /// How far it is ahead, in milliseconds.
        ahead_ms: u64,
        /// How far it may be ahead, in milliseconds.
        limit_ms: u64,
    },

    /// A write would leave less of the disk free than the store keeps in reserve. Not applied; may
    /// be retried once there is room. Reads and deletes still work.
    #[error(
        "the disk of {} is full: {free} bytes are free, the store keeps {reserve} in reserve; \
         nothing was written", path.display()
    )]
    DiskFull {
        /// The data folder.
        path: PathBuf,
        /// Bytes free on its file system.
        free: u64,
        /// Bytes the store leaves free so that it can go on working.
        reserve: u64,
    },

    /// The data folder can't be used. Nothing changed; final until the folder is mended.
    #[error("data folder {}: {problem}", path.display())]
    Folder {
        /// The data folder.
        path: PathBuf,
        /// What was found there.
        problem: String,
        /// The error of the operating system, if there was one.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },

    /// The engine failed.
    #[error("{operation} failed in the {engine} engine: {source}")]
    Engine {
        /// What was asked for.
        operation: &'static str,
        /// The engine's name.
        engine: &'static str,
        /// Whether anything may have changed.
        outcome: Outcome,
        /// What the engine said.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// An earlier flush to disk failed, so no write can be promised any more; the store refuses
    /// them until it is opened again. Not applied; final for this handle.
    #[error("writes are refused since a flush to disk failed: {reason}")]
    Poisoned {
        /// What the flush said.
        reason: String,
    },

    /// This kind of store can't do it. Nothing was done; final.
    #[error("{operation} is not available {on}")]
    Unsupported {
        /// What was asked for.
        operation: &'static str,
        /// The kind of store, as in `on a cluster`.
        on: &'static str,
    },

    /// Too few replicas answered. May be retried.
    #[error(
        "{operation}: {needed} replicas had to answer; answered: {}; failed: {}; {}",
        list(answered), list(failed), consequence(*outcome)
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

    /// The ring could not serve the call for another reason than too few answers.
    #[error("{operation}: {reason}; {}", consequence(*outcome))]
    Ring {
        /// What was asked for.
        operation: &'static str,
        /// What happened, and where.
        reason: String,
        /// Whether anything may have changed.
        outcome: Outcome,
        /// Whether the same call may succeed later.
        is_retryable: bool,
    },

    /// The entity belongs to another node at present. Not applied; may be retried there.
    #[error(
        "{name:?} is owned by {}; nothing was changed",
        owner.as_deref().unwrap_or("another node")
    )]
    NotOwner {
        /// The entity's name.
        name: String,
        /// The node that owns it, as far as is known.
        owner: Option<String>,
    },

    /// The source or target of a stream outside the store failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being read or written.
        what: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl DbaError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Engine { outcome, .. }
            | Self::Quorum { outcome, .. }
            | Self::Ring { outcome, .. } => *outcome,
            Self::CommandForgotten { .. } | Self::Io { .. } => Outcome::Unknown,
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Deadline { .. }
            | Self::DiskFull { .. }
            | Self::Quorum { .. }
            | Self::NotOwner { .. } => true,
            Self::Ring { is_retryable, .. } => *is_retryable,
            _ => false,
        }
    }

    /// A [`DbaError::Decode`].
    pub fn decode(what: &'static str, detail: impl ToString) -> Self {
        Self::Decode { what, detail: detail.to_string() }
    }

    /// A [`DbaError::Encode`].
    pub fn encode(what: &'static str, detail: impl ToString) -> Self {
        Self::Encode { what, detail: detail.to_string() }
    }
}

fn list(nodes: &[String]) -> String {
    if nodes.is_empty() { "none".to_owned() } else { nodes.join(", ") }
}

fn consequence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplied => "nothing was changed",
        Outcome::Unknown => "it may have been applied, or may still be",
    }
}

/// The result of an operation on a store.
pub type Result<T, E = DbaError> = std::result::Result<T, E>;
