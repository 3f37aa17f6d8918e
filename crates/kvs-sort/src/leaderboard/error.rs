//! What can go wrong when a score is set.

use kvs_core::{DbaError, Outcome};
use thiserror::Error;

/// Why a score was not set.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LeaderboardError {
    /// The score would be infinite or no number. Not applied; final.
    #[error("leaderboard {name:?}: the score of {member:?} would be {score}; it has to be finite")]
    NotFinite {
        /// The leaderboard.
        name: String,
        /// The member's ordered bytes, made printable: of a string, the string.
        member: String,
        /// The score that was refused.
        score: f64,
    },

    /// The store failed.
    #[error(transparent)]
    Dba(#[from] DbaError),
}

impl LeaderboardError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotFinite { .. } => Outcome::NotApplied,
            Self::Dba(error) => error.outcome(),
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotFinite { .. } => false,
            Self::Dba(error) => error.is_retryable(),
        }
    }
}
