//! Why a datagram was dropped.

use std::net::SocketAddr;

use thiserror::Error;

use super::datagram::OpenError;
use super::limits::MEMBERS_MAX;
use super::view::Counters;
use crate::identity::{Incarnation, NodeId};

/// Why a datagram was dropped. Its sender is not told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Dropped {
    #[error(transparent)]
    Unopened(#[from] OpenError),
    #[error("it is no message of this protocol")]
    NoMessage,
    #[error("its packet makes no sense: {0}")]
    Packet(String),
    #[error(
        "it is meant for node {to} and not for this one; its sender is at {from}. Two nodes may claim \
         one address, or the other one lived here before"
    )]
    Misaddressed { to: NodeId, from: SocketAddr },
    #[error(
        "a process at {address} claims to be this node, with incarnation {} where this process has {}: \
         the data folder was copied; the process with the higher incarnation prevails", incarnation.0,
        ours.0
    )]
    Impostor { address: SocketAddr, incarnation: Incarnation, ours: Incarnation },
    #[error("it names nodes beyond the {MEMBERS_MAX} that are remembered")]
    Crowded,
}

impl Dropped {
    pub(super) fn packet(error: impl ToString) -> Self {
        Self::Packet(error.to_string())
    }

    pub(super) fn count(&self, counters: &mut Counters) {
        let counter = match self {
            Self::Unopened(_) => &mut counters.foreign,
            Self::NoMessage | Self::Packet(_) => &mut counters.malformed,
            Self::Misaddressed { .. } => &mut counters.misaddressed,
            Self::Impostor { .. } => &mut counters.impostors,
            Self::Crowded => &mut counters.crowded,
        };
        *counter += 1;
    }
}
