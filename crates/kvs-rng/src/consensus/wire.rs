//! What nodes say to each other about the layout.

use std::time::Duration;

use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest, VoteResponse};
use serde::{Deserialize, Serialize};

use super::config::{RaftId, SnapshotMeta, Types, Vote};
use crate::identity::ClusterId;
use crate::layout::{Change, Layout};

/// A request, and the cluster its sender is of, if of any yet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) cluster: Option<ClusterId>,
    pub(crate) body: Body,
}

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Body {
    /// Entries of the log, or none: a heartbeat.
    Append(AppendEntriesRequest<Types>),
    /// A candidate asks for a vote.
    Vote(VoteRequest<RaftId>),
    /// The whole state, for a node that lags further than the log goes back.
    Snapshot(Box<SnapshotMessage>),
    /// A change to propose.
    Propose(ProposeMessage),
    /// The newest layout, please.
    Layout,
}

/// A snapshot on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SnapshotMessage {
    /// The leader's.
    pub(crate) vote: Vote,
    pub(crate) meta: SnapshotMeta,
    /// A [`State`](super::machine::State).
    pub(crate) data: Vec<u8>,
}

/// A change on its way to the leader.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProposeMessage {
    pub(crate) change: Box<Change>,
    /// How long the receiver may take.
    pub(crate) deadline_ms: u64,
    /// Whether the receiver may pass it on. A change is passed on once, so it can't go in circles.
    pub(crate) pass_on: bool,
}

/// What an answer is given for its way, so that its sender can still say how things stand; less if
/// there is little time.
const ANSWER_TIME: Duration = Duration::from_millis(500);

impl ProposeMessage {
    /// A change for a sender that waits for `deadline`.
    pub(crate) fn new(change: &Change, deadline: Duration, pass_on: bool) -> Self {
        let deadline = deadline - ANSWER_TIME.min(deadline / 4);
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Self { change: Box::new(change.clone()), deadline_ms, pass_on }
    }
}

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Body::Append`].
    Append(AppendEntriesResponse<RaftId>),
    /// To [`Body::Vote`].
    Vote(VoteResponse<RaftId>),
    /// To [`Body::Snapshot`]: the highest vote the receiver knows.
    Snapshot(Vote),
    /// To [`Body::Propose`].
    Propose(Proposed),
    /// To [`Body::Layout`].
    Layout(Option<Box<Layout>>),
    /// The request was not served; nothing was done.
    Refused(Refusal),
}

/// What became of a proposed change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Proposed {
    /// It is part of this layout.
    Applied(Box<Layout>),
    /// It makes no sense on this layout, which stays as it is.
    Refused { reason: String, layout: Option<Box<Layout>> },
    /// There was no leader, or it could not be reached: not applied.
    NoLeader,
    /// The leader could not reach a majority of the voters: not applied.
    NoMajority,
    /// Too many changes were under way: not applied.
    Busy,
    /// It may have been applied or may still be.
    Unknown(String),
    /// It can't be found out whether it is wanted: not applied.
    NotNow(String),
}

/// Why a request was not served.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    /// It came from a node of another cluster.
    #[error("it belongs to the cluster {mine}, the request to {}", name(yours))]
    Cluster {
        /// The receiver's.
        mine: ClusterId,
        /// The sender's.
        yours: Option<ClusterId>,
    },
    /// Its bytes were no request, or not its sender's.
    #[error("it can't read the request: {0}")]
    Malformed(String),
    /// The node's consensus has stopped.
    #[error("its consensus has stopped: {0}")]
    Stopped(String),
}

fn name(cluster: &Option<ClusterId>) -> String {
    cluster.map_or("none".to_owned(), |cluster| format!("the cluster {cluster}"))
}
