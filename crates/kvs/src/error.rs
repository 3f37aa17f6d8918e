//! What can go wrong, for all of the facade.

use kvs_consistency::RegisterError;
use kvs_core::file::FileError;
use kvs_core::{DbaError, Outcome};
use kvs_sort::LeaderboardError;
use thiserror::Error;

use crate::archive::ArchiveError;
use crate::options::Backend;

/// An error of [`Kvs`](crate::Kvs) and its handles.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Dba(#[from] DbaError),

    /// A leaderboard refused a score, or its store failed.
    #[error(transparent)]
    Leaderboard(#[from] LeaderboardError),

    /// A register refused to count, or its store failed.
    #[error(transparent)]
    Register(#[from] RegisterError),

    /// A file operation was refused or failed.
    #[error(transparent)]
    File(#[from] FileError),

    /// An archive could not be written or read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),

    /// A node of a cluster could not start.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Node(#[from] crate::cluster::NodeError),

    /// The data folder is that of a node of a cluster, and no embedded store. Nothing was done; final.
    #[cfg(feature = "cluster")]
    #[error(
        "the data folder is that of a node of a cluster, not of an embedded store: start the node \
         with it, or open another folder"
    )]
    NodeFolder,

    /// The program was built without this backend. Nothing was done; final.
    #[error("this program is built without the {backend} backend (cargo feature `{backend}`)")]
    NoBackend {
        /// The backend that was asked for.
        backend: Backend,
    },
}

impl Error {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Dba(error) => error.outcome(),
            Self::Leaderboard(error) => error.outcome(),
            Self::Register(error) => error.outcome(),
            Self::File(error) => error.outcome(),
            Self::Archive(error) => error.outcome(),
            #[cfg(feature = "cluster")]
            Self::Node(_) | Self::NodeFolder => Outcome::NotApplied,
            Self::NoBackend { .. } => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Dba(error) => error.is_retryable(),
            Self::Leaderboard(error) => error.is_retryable(),
            Self::Register(error) => error.is_retryable(),
            Self::File(error) => error.is_retryable(),
            #[cfg(feature = "cluster")]
            Self::Node(_) | Self::NodeFolder => false,
            Self::Archive(_) | Self::NoBackend { .. } => false,
        }
    }
}

/// The result of an operation of the facade.
pub type Result<T, E = Error> = std::result::Result<T, E>;
