//! What can go wrong, and whether the request may have been executed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kvs_core::limits::LimitError;
use thiserror::Error;

use super::config::ConfigError;
use super::handshake::HandshakeError;
use super::service::Fault;
use crate::identity::NodeId;

/// A call failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request was surely not executed; it is safe to send it again, also to another node.
    #[error("the request to {to} was not sent: {reason}")]
    NotSent {
        /// Whom it was for.
        to: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// The request was sent, or may have been, and no answer came: it may have been executed, or may
    /// still be.
    #[error("the answer of {to} was lost: {reason}")]
    Lost {
        /// Whom it was for.
        to: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// The request was executed, and its answer is a failure.
    #[error("{to} answered: {fault}")]
    Fault {
        /// Who answered.
        to: SocketAddr,
        /// What it answered.
        fault: Fault,
    },
}

impl CallError {
    /// Whether the request may have been executed.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }
}

/// Why a call failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is no connection, and could not be one. May be tried again after `retry`.
    #[error("unreachable: {error}")]
    Unreachable {
        /// What the last attempt ended with.
        error: ConnectError,
        /// When the next attempt is due; calls before that fail at once.
        retry: Duration,
    },
    /// Another node than the one asked for is there. Final until one of the two moves.
    #[error("node {found} is there, not {expected}")]
    WrongNode {
        /// Who was asked for.
        expected: NodeId,
        /// Who is there.
        found: NodeId,
    },
    /// Too many calls are in flight. May be tried again once some have ended.
    #[error("{what} at the limit of {limit}")]
    Busy {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// The request is larger than a frame. Final.
    #[error(transparent)]
    TooLarge(#[from] LimitError),
    /// The call's time was up.
    #[error("the deadline of {0:?} passed")]
    Deadline(Duration),
    /// The connection ended. May be tried again.
    #[error("the connection ended: {0}")]
    Ended(String),
    /// The peer did not run the request. May be tried again, or elsewhere.
    #[error("declined: {0}")]
    Declined(String),
    /// This node is shutting down. Final.
    #[error("this node is shutting down")]
    ShuttingDown,
}

/// No connection could be made.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody answered in time.
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    /// The network said no.
    #[error("{message}")]
    Io {
        /// The kind of error.
        kind: io::ErrorKind,
        /// What the network said.
        message: String,
    },
    /// The two nodes don't agree.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The connection that was there broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// A transport could not be started. Nothing was left behind.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address can't be listened at.
    #[error("listening at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the network said.
        source: io::Error,
    },
}
