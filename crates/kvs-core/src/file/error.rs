//! What can go wrong with files.

use std::io;

use thiserror::Error;

use crate::error::{DbaError, Outcome};
use crate::limits::LimitError;

/// An error of an operation on files.
///
/// Each variant says what happened and on what; [`outcome`](Self::outcome) says whether anything may
/// have changed and [`is_retryable`](Self::is_retryable) whether the same call may succeed later.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no file of that name. Nothing changed; final.
    #[error("there is no file {name:?}")]
    NotFound {
        /// The file.
        name: String,
    },

    /// There is a file of that name already. Nothing changed; final.
    #[error("there is a file {name:?} already")]
    Exists {
        /// The file.
        name: String,
    },

    /// No file can have that name. Nothing changed; final.
    #[error("not a name for a file: {problem}")]
    Name {
        /// What is wrong with it.
        problem: String,
    },

    /// The range begins behind the end of the file, or behind its own end. Final for this range.
    #[error("bytes {start}..{end} of {name:?} can't be read: it has {size} bytes")]
    Range {
        /// The file.
        name: String,
        /// The first byte asked for.
        start: u64,
        /// The end of what was asked for: the size of the file if it wasn't said.
        end: u64,
        /// The size of the file.
        size: u64,
    },

    /// The file was deleted or replaced while it was read, and cleaned up. Reading may begin again.
    #[error("{name:?} was deleted or replaced while it was read")]
    Changed {
        /// The file.
        name: String,
    },

    /// The store lost a part of the file. Final until the store is mended.
    #[error("{name:?} is damaged: what is stored for byte {position} is missing or cut off")]
    Damaged {
        /// The file.
        name: String,
        /// The first byte that can't be read.
        position: u64,
    },

    /// The source of an upload failed. The file is as it was; an upload of another source may
    /// succeed.
    #[error("the source failed, nothing was changed: {0}")]
    Source(#[from] io::Error),

    /// An upload paused for longer than the grace period, and a cleanup removed its chunks. The file
    /// is as it was; the upload may begin again.
    #[error("the upload of {name:?} paused for so long that it was cleaned up")]
    Expired {
        /// The file.
        name: String,
    },

    /// The store failed before an upload was complete. The file is as it was; whether to retry is as
    /// the store says.
    #[error("the upload failed, nothing was changed: {0}")]
    Upload(#[source] DbaError),

    /// The store failed.
    #[error(transparent)]
    Dba(#[from] DbaError),
}

impl FileError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Dba(error) => error.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Changed { .. } | Self::Expired { .. } => true,
            Self::Dba(error) | Self::Upload(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// The same error, known to have come before a commit: nothing changed.
    pub(super) fn before_commit(self) -> Self {
        match self {
            Self::Dba(error) => Self::Upload(error),
            error => error,
        }
    }
}

impl From<LimitError> for FileError {
    fn from(error: LimitError) -> Self {
        Self::Dba(error.into())
    }
}
