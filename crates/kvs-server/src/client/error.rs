//! What a server's answer means when it isn't the one asked for.

use std::error::Error as StdError;
use std::fmt;

use kvs::Outcome;
use redis::{ErrorKind, RedisError};

use super::Address;

/// Why something asked of a server isn't done.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum ClientError {
    /// No server is named.
    Nowhere,
    /// There is no connection. Nothing changed; ask again, or another server.
    Unreachable {
        /// Where.
        address: Address,
        /// What the operating system said.
        source: RedisError,
    },
    /// The password is missing or wrong. Nothing changed.
    Password {
        /// Where.
        address: Address,
        /// What the server said.
        reply: String,
    },
    /// The server refuses, and would again. Nothing changed.
    Refused {
        /// Where.
        address: Address,
        /// What the server said.
        reply: String,
    },
    /// It can't be done now. Nothing changed; ask again.
    Unavailable {
        /// Where.
        address: Address,
        /// What the server said.
        reply: String,
    },
    /// A write may have been applied, or may still be. Read, or write the same again.
    Unknown {
        /// Where.
        address: Address,
        /// What the server said.
        reply: String,
    },
    /// The connection was lost, or nothing came over it, before the answer came. A write may have
    /// been applied.
    Lost {
        /// Where.
        address: Address,
        /// Whether it was a write.
        writing: bool,
        /// What was seen.
        source: RedisError,
    },
    /// The answer isn't what such a server says.
    Answer {
        /// Where.
        address: Address,
        /// Whether it was a write.
        writing: bool,
        /// What is wrong with it.
        problem: String,
    },
}

impl ClientError {
    /// The error of opening a connection.
    pub(super) fn of_opening(address: &Address, error: RedisError) -> Self {
        let address = address.clone();
        match error.kind() {
            ErrorKind::Io => Self::Unreachable { address, source: error },
            ErrorKind::AuthenticationFailed => {
                Self::Password { address, reply: "it refused what it was given".to_owned() }
            }
            _ => Self::of_asking(&address, false, error),
        }
    }

    /// The error of a command.
    pub(super) fn of_asking(address: &Address, writing: bool, error: RedisError) -> Self {
        let address = address.clone();
        let reply = || error.detail().unwrap_or_default().to_owned();
        match (error.code(), error.kind()) {
            (Some("NOAUTH" | "WRONGPASS"), _) => Self::Password { address, reply: reply() },
            (Some("UNAVAILABLE"), _) => Self::Unavailable { address, reply: reply() },
            (Some("UNKNOWN"), _) => Self::Unknown { address, reply: reply() },
            (Some("ERR"), _) => Self::Refused { address, reply: reply() },
            (Some(code), _) => Self::Refused { address, reply: format!("{code} {}", reply()) },
            (None, ErrorKind::Io | ErrorKind::Parse) => {
                Self::Lost { address, writing, source: error }
            }
            (None, _) => Self::Answer { address, writing, problem: error.to_string() },
        }
    }

    /// Whether anything may have changed.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Unknown { .. } => Outcome::Unknown,
            Self::Lost { writing: true, .. } | Self::Answer { writing: true, .. } => {
                Outcome::Unknown
            }
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same may be asked again, here or elsewhere, with any hope. After a write whose
    /// outcome is unknown that holds for the same write only.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Password { .. } | Self::Refused { .. } | Self::Answer { .. } => false,
            Self::Unreachable { .. } | Self::Unavailable { .. } => true,
            Self::Unknown { .. } | Self::Lost { .. } => true,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("no server is named (--connect)"),
            Self::Unreachable { address, .. } => write!(f, "{address} can't be reached"),
            Self::Password { address, reply } => {
                write!(f, "{address} wants the right password (--password-file): {reply}")
            }
            Self::Refused { address, reply } => write!(f, "{address} refused: {reply}"),
            Self::Unavailable { address, reply } => write!(f, "{address} can't do it now: {reply}"),
            Self::Unknown { address, reply } => write!(f, "{address} doesn't know: {reply}"),
            Self::Lost { address, writing: true, .. } => {
                write!(f, "no answer from {address}; the write may have been applied")
            }
            Self::Lost { address, .. } => write!(f, "no answer from {address}"),
            Self::Answer { address, problem, .. } => {
                write!(f, "{address} answered what isn't understood: {problem}")
            }
        }
    }
}

impl StdError for ClientError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unreachable { source, .. } | Self::Lost { source, .. } => Some(source),
            _ => None,
        }
    }
}
