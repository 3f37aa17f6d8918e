//! What can go wrong when a register is counted up.

use kvs_core::{DbaError, Outcome};
use thiserror::Error;

/// Why a register was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// What the register holds is no integer. Not applied; final.
    #[error("{name:?} does not hold an integer of 64 bits; nothing was changed")]
    NotAnInteger {
        /// The register.
        name: String,
    },

    /// The sum would pass the range of an `i64`. Not applied; final.
    #[error(
        "{name:?}: {value} + {by} passes the range of an integer of 64 bits; nothing was changed"
    )]
    Overflow {
        /// The register.
        name: String,
        /// What it holds.
        value: i64,
        /// What was to be added.
        by: i64,
    },

    /// The store failed.
    #[error(transparent)]
    Dba(#[from] DbaError),
}

impl RegisterError {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotAnInteger { .. } | Self::Overflow { .. } => Outcome::NotApplied,
            Self::Dba(error) => error.outcome(),
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotAnInteger { .. } | Self::Overflow { .. } => false,
            Self::Dba(error) => error.is_retryable(),
        }
    }
}
