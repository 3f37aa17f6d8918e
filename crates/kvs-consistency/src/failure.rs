//! Why a command failed, and how that travels.

use kvs_core::file::{FileError, Files};
use kvs_core::limits::LimitError;
use kvs_core::{DbaError, Outcome};
use kvs_sort::LeaderboardError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::leaderboard::AROUND;
use crate::register::{Cell, RegisterError};

/// Why a command failed, whatever it was for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The store refused or failed.
    #[error(transparent)]
    Dba(#[from] DbaError),

    /// A leaderboard refused a score.
    #[error(transparent)]
    Leaderboard(LeaderboardError),

    /// A register refused to count.
    #[error(transparent)]
    Register(RegisterError),

    /// A directory refused.
    #[error(transparent)]
    File(FileError),
}

impl Failure {
    /// Whether anything may have changed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Dba(error) => error.outcome(),
            Self::Leaderboard(error) => error.outcome(),
            Self::Register(error) => error.outcome(),
            Self::File(error) => error.outcome(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Dba(error) => error.is_retryable(),
            Self::Leaderboard(error) => error.is_retryable(),
            Self::Register(error) => error.is_retryable(),
            Self::File(error) => error.is_retryable(),
        }
    }

    /// Whether it follows from the command and the entity's rows alone. Such a refusal is an answer
    /// like others: it is given only by who still owns the entity, and kept with the command's id.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Dba(error) => matches!(
                error,
                DbaError::Limit(_)
                    | DbaError::WrongType { .. }
                    | DbaError::Encode { .. }
                    | DbaError::Decode { .. }
            ),
            Self::Leaderboard(_) | Self::Register(_) | Self::File(_) => true,
        }
    }
}

impl From<LeaderboardError> for Failure {
    fn from(error: LeaderboardError) -> Self {
        match error {
            LeaderboardError::Dba(error) => Self::Dba(error),
            error => Self::Leaderboard(error),
        }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Dba(error) => Self::Dba(error),
            error => Self::Register(error),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Dba(error) => Self::Dba(error),
            error => Self::File(error),
        }
    }
}

impl From<Failure> for DbaError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Dba(error) => error,
            failure => Self::Ring {
                operation: COMMAND,
                outcome: failure.outcome(),
                is_retryable: failure.is_retryable(),
                reason: failure.to_string(),
            },
        }
    }
}

macro_rules! from_failure {
    ($($error:ident $variant:ident),*) => {$(
        impl From<Failure> for $error {
            fn from(failure: Failure) -> Self {
                match failure {
                    Failure::$variant(error) => error,
                    failure => Self::Dba(failure.into()),
                }
            }
        }
    )*};
}

from_failure!(LeaderboardError Leaderboard, RegisterError Register, FileError File);

const COMMAND: &str = "command";

/// A failure as it travels. New ones come at the end.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Failed {
    /// Any that has no other form.
    Other {
        reason: String,
        is_unknown: bool,
        is_retryable: bool,
    },
    Limit {
        what: String,
        found: u64,
        limit: u64,
    },
    WrongType {
        name: String,
        found: String,
        expected: String,
    },
    Encode {
        what: String,
        detail: String,
    },
    Decode {
        what: String,
        detail: String,
    },
    Forgotten {
        id: String,
        name: String,
        kept: u64,
    },
    Reused {
        id: String,
        name: String,
    },
    NotFinite {
        name: String,
        member: String,
        score: f64,
    },
    NotAnInteger {
        name: String,
    },
    Overflow {
        name: String,
        value: i64,
        by: i64,
    },
    NoFile {
        name: String,
    },
    FileExists {
        name: String,
    },
    FileName {
        problem: String,
    },
    UploadExpired {
        name: String,
    },
    Ahead {
        id: String,
        name: String,
        ahead_ms: u64,
        limit_ms: u64,
    },
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Dba(error) => match error {
                DbaError::Limit(LimitError { what, found, limit }) => Self::Limit {
                    what: (*what).to_owned(),
                    found: *found as u64,
                    limit: *limit as u64,
                },
                DbaError::WrongType { name, found, expected } => Self::WrongType {
                    name: name.clone(),
                    found: found.clone(),
                    expected: (*expected).to_owned(),
                },
                DbaError::Encode { what, detail } => {
                    Self::Encode { what: (*what).to_owned(), detail: detail.clone() }
                }
                DbaError::Decode { what, detail } => {
                    Self::Decode { what: (*what).to_owned(), detail: detail.clone() }
                }
                DbaError::CommandForgotten { id, name, kept } => {
                    Self::Forgotten { id: id.clone(), name: name.clone(), kept: *kept as u64 }
                }
                DbaError::CommandReused { id, name } => {
                    Self::Reused { id: id.clone(), name: name.clone() }
                }
                DbaError::CommandAhead { id, name, ahead_ms, limit_ms } => Self::Ahead {
                    id: id.clone(),
                    name: name.clone(),
                    ahead_ms: *ahead_ms,
                    limit_ms: *limit_ms,
                },
                _ => Self::other(failure),
            },
            Failure::Leaderboard(LeaderboardError::NotFinite { name, member, score }) => {
                Self::NotFinite { name: name.clone(), member: member.clone(), score: *score }
            }
            Failure::Register(RegisterError::NotAnInteger { name }) => {
                Self::NotAnInteger { name: name.clone() }
            }
            Failure::Register(RegisterError::Overflow { name, value, by }) => {
                Self::Overflow { name: name.clone(), value: *value, by: *by }
            }
            Failure::File(FileError::NotFound { name }) => Self::NoFile { name: name.clone() },
            Failure::File(FileError::Exists { name }) => Self::FileExists { name: name.clone() },
            Failure::File(FileError::Name { problem }) => {
                Self::FileName { problem: problem.clone() }
            }
            Failure::File(FileError::Expired { name }) => {
                Self::UploadExpired { name: name.clone() }
            }
            _ => Self::other(failure),
        }
    }
}

impl Failed {
    fn other(failure: &Failure) -> Self {
        Self::Other {
            reason: failure.to_string(),
            is_unknown: failure.outcome() == Outcome::Unknown,
            is_retryable: failure.is_retryable(),
        }
    }

    /// The failure as it was, as far as it has a form of its own.
    pub(crate) fn into_failure(self) -> Failure {
        let error = match self {
            Self::NotFinite { name, member, score } => {
                return Failure::Leaderboard(LeaderboardError::NotFinite { name, member, score });
            }
            Self::NotAnInteger { name } => {
                return Failure::Register(RegisterError::NotAnInteger { name });
            }
            Self::Overflow { name, value, by } => {
                return Failure::Register(RegisterError::Overflow { name, value, by });
            }
            Self::NoFile { name } => return Failure::File(FileError::NotFound { name }),
            Self::FileExists { name } => return Failure::File(FileError::Exists { name }),
            Self::FileName { problem } => return Failure::File(FileError::Name { problem }),
            Self::UploadExpired { name } => return Failure::File(FileError::Expired { name }),
            Self::Limit { what, found, limit } => DbaError::Limit(LimitError {
                what: known(&what, LIMITS).unwrap_or("a part of the command"),
                found: usize::try_from(found).unwrap_or(usize::MAX),
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
            }),
            Self::WrongType { name, found, expected } => {
                let expected = known(&expected, TYPES).unwrap_or("type that was asked for");
                DbaError::WrongType { name, found, expected }
            }
            Self::Encode { what, detail } => {
                DbaError::encode("what was sent", format!("{what}: {detail}"))
            }
            Self::Decode { what, detail } => {
                DbaError::decode("what the owner read", format!("{what}: {detail}"))
            }
            Self::Forgotten { id, name, kept } => DbaError::CommandForgotten {
                id,
                name,
                kept: usize::try_from(kept).unwrap_or(usize::MAX),
            },
            Self::Reused { id, name } => DbaError::CommandReused { id, name },
            Self::Ahead { id, name, ahead_ms, limit_ms } => {
                DbaError::CommandAhead { id, name, ahead_ms, limit_ms }
            }
            Self::Other { reason, is_unknown, is_retryable } => DbaError::Ring {
                operation: COMMAND,
                reason,
                outcome: if is_unknown { Outcome::Unknown } else { Outcome::NotApplied },
                is_retryable,
            },
        };
        Failure::Dba(error)
    }
}

/// The types of entities.
const TYPES: &[&str] = &[
    kvs_feed::Feed::<()>::TYPE,
    kvs_sort::SortedSet::<()>::TYPE,
    kvs_sort::Leaderboard::<()>::TYPE,
    Cell::TYPE,
    Files::TYPE,
];

/// What limits are of.
const LIMITS: &[&str] = &[
    "partition length in bytes (empty key)",
    "partition length in bytes",
    "clustering length in bytes",
    "value length in bytes",
    "operations in a batch",
    "bytes in a batch",
    "rows in a page",
    "element length in bytes",
    "member length in bytes",
    "command length in bytes",
    AROUND,
];

/// The one of `texts` that reads as `text` does.
fn known(text: &str, texts: &[&'static str]) -> Option<&'static str> {
    texts.iter().copied().find(|known| *known == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(failure: Failure) -> (String, Failure) {
        let bytes = postcard::to_stdvec(&Failed::from(&failure)).unwrap();
        let back: Failed = postcard::from_bytes(&bytes).unwrap();
        (failure.to_string(), back.into_failure())
    }

    #[test]
    fn failures_with_a_form_of_their_own_arrive_as_they_were() {
        let name = || "n".to_owned();
        let failures: Vec<Failure> = vec![
            kvs_core::limits::at_most("value length in bytes", 2, 1)
                .map_err(DbaError::from)
                .unwrap_err()
                .into(),
            DbaError::WrongType { name: name(), found: "feed".into(), expected: "sorted" }.into(),
            DbaError::CommandForgotten { id: "i".into(), name: name(), kept: 7 }.into(),
            DbaError::CommandReused { id: "i".into(), name: name() }.into(),
            DbaError::CommandAhead { id: "i".into(), name: name(), ahead_ms: 2, limit_ms: 1 }
                .into(),
            LeaderboardError::NotFinite { name: name(), member: name(), score: f64::INFINITY }
                .into(),
            RegisterError::NotAnInteger { name: name() }.into(),
            RegisterError::Overflow { name: name(), value: 1, by: -1 }.into(),
            FileError::NotFound { name: name() }.into(),
            FileError::Exists { name: name() }.into(),
            FileError::Name { problem: name() }.into(),
            FileError::Expired { name: name() }.into(),
        ];
        for failure in failures {
            let (outcome, retryable) = (failure.outcome(), failure.is_retryable());
            let (before, after) = there_and_back(failure);
            assert_eq!(before, after.to_string());
            assert_eq!((outcome, retryable), (after.outcome(), after.is_retryable()), "{before}");
        }
    }

    #[test]
    fn others_keep_what_they_mean() {
        let lost = DbaError::Quorum {
            operation: "write",
            needed: 2,
            answered: vec![],
            failed: vec!["b".into()],
            outcome: Outcome::Unknown,
        };
        let (before, after) = there_and_back(lost.into());
        assert!(after.to_string().contains(&before), "{after}");
        assert_eq!(after.outcome(), Outcome::Unknown);
        assert!(after.is_retryable());
    }
}
