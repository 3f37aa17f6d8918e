//! The way from one node's consensus to another's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use openraft::error::{
    Fatal, InstallSnapshotError, RPCError, RaftError, ReplicationClosed, StreamingError,
    Unreachable,
};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{AnyError, OptionalSend, RaftNetwork, RaftNetworkFactory};
use thiserror::Error;
use tokio::time::Instant;

use super::config::{Peer, RaftId, Snapshot, Types, Vote};
use super::format::{self, FormatError};
use super::published::Published;
use super::wire::{Answer, Body, Refusal, Request, SnapshotMessage};
use crate::identity::NodeId;

/// Most bytes of a request or an answer.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Pauses between attempts to reach a node that can't be reached; the last one again and again.
const BACKOFF_MS: [u64; 4] = [100, 200, 500, 1000];

/// Carries requests between nodes.
#[async_trait]
pub trait Link: Send + Sync + 'static {
    /// Sends `request` to the node `to` and gives its answer.
    ///
    /// `address` is where the node was last known to be; the link may know better. `to` is `None` when
    /// only the address is known: any node that answers there will do. On the other side the bytes go
    /// through [`Consensus::handle`](super::Consensus::handle). Neither side's bytes are more than
    /// [`MESSAGE_BYTES_MAX`].
    async fn call(
        &self,
        to: Option<NodeId>,
        address: SocketAddr,
        request: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, LinkError>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The request never left: it was not and will not be served. May be retried.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The request may have been served. Whether to repeat it depends on the request.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Why a call failed.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the node at {address} refused the request: {refusal}")]
    Refused { address: SocketAddr, refusal: Refusal },
    #[error("the answer can't be read: {0}")]
    Answer(FormatError),
    #[error("the request can't be written: {0}")]
    Request(FormatError),
    #[error("the answer is to another question")]
    Mismatch,
}

impl CallError {
    /// Whether the request certainly was not served.
    pub(crate) fn not_served(&self) -> bool {
        matches!(self, Self::Link(LinkError::NotSent(_)) | Self::Refused { .. } | Self::Request(_))
    }
}

/// Requests and answers over a [`Link`]. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Caller {
    link: Arc<dyn Link>,
    published: Published,
    heard: Arc<Mutex<BTreeMap<NodeId, Instant>>>,
}

impl Caller {
    /// Requests over `link`, for the cluster of the published layout.
    pub(crate) fn new(link: Arc<dyn Link>, published: Published) -> Self {
        Self { link, published, heard: Arc::default() }
    }

    /// Asks a node.
    pub(crate) async fn call(
        &self,
        to: Option<NodeId>,
        address: SocketAddr,
        body: Body,
        deadline: Duration,
    ) -> Result<Answer, CallError> {
        let cluster = self.published.layout().map(|layout| layout.cluster());
        let request = format::encode("request", &Request { cluster, body });
        let request = request.map_err(CallError::Request)?;
        if request.len() > MESSAGE_BYTES_MAX {
            let problem =
                format!("it has {} bytes, {MESSAGE_BYTES_MAX} are allowed", request.len());
            return Err(LinkError::NotSent(problem).into());
        }
        let answer = self.link.call(to, address, request, deadline);
        let answer = tokio::time::timeout(deadline, answer).await;
        let late = |_| LinkError::NoAnswer(format!("nothing came within {deadline:?}"));
        let answer = answer.map_err(late)??;
        let answer = format::decode("answer", &answer).map_err(CallError::Answer)?;
        if let Answer::Refused(refusal) = answer {
            return Err(CallError::Refused { address, refusal });
        }
        if let Some(to) = to {
            self.hear(to);
        }
        Ok(answer)
    }

    /// Notes a sign of life of a member.
    pub(crate) fn hear(&self, from: NodeId) {
        let Some(layout) = self.published.layout() else { return };
        let member = |node: &NodeId| layout.member(*node).is_some();
        if !member(&from) {
            return;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(from, Instant::now());
        if heard.len() > layout.members().len() {
            heard.retain(|node, _| member(node));
        }
    }

    /// When a node was last heard of; at first never.
    pub(crate) fn heard(&self, node: NodeId) -> Option<Instant> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(&node).copied()
    }
}

impl RaftNetworkFactory<Types> for Caller {
    type Network = PeerLink;

    async fn new_client(&mut self, target: RaftId, peer: &Peer) -> PeerLink {
        PeerLink { caller: self.clone(), target: target.0, address: peer.address }
    }
}

/// The way to one node.
pub(crate) struct PeerLink {
    caller: Caller,
    target: NodeId,
    address: SocketAddr,
}

impl PeerLink {
    async fn call(&self, body: Body, deadline: Duration) -> Result<Answer, CallError> {
        // The layout knows a new address before the consensus has taken it over.
        let layout = self.caller.published.layout();
        let member = layout.as_ref().and_then(|layout| layout.member(self.target));
        let address = member.map_or(self.address, |member| member.address);
        self.caller.call(Some(self.target), address, body, deadline).await
    }
}

/// As `openraft` sees it: a pause before the next attempt.
fn unreachable(error: &CallError) -> Unreachable {
    Unreachable::new(&AnyError::error(error))
}

type RaftResult<T, E = openraft::error::Infallible> =
    Result<T, RPCError<RaftId, Peer, RaftError<RaftId, E>>>;

impl RaftNetwork<Types> for PeerLink {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> RaftResult<AppendEntriesResponse<RaftId>> {
        match self.call(Body::Append(request), option.hard_ttl()).await {
            Ok(Answer::Append(answer)) => Ok(answer),
            Ok(_) => Err(unreachable(&CallError::Mismatch).into()),
            Err(error) => Err(unreachable(&error).into()),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<RaftId>,
        option: RPCOption,
    ) -> RaftResult<VoteResponse<RaftId>> {
        match self.call(Body::Vote(request), option.hard_ttl()).await {
            Ok(Answer::Vote(answer)) => Ok(answer),
            Ok(_) => Err(unreachable(&CallError::Mismatch).into()),
            Err(error) => Err(unreachable(&error).into()),
        }
    }

    /// Pieces are not sent: a snapshot is small enough for one message.
    async fn install_snapshot(
        &mut self,
        _request: InstallSnapshotRequest<Types>,
        _option: RPCOption,
    ) -> RaftResult<InstallSnapshotResponse<RaftId>, InstallSnapshotError> {
        Err(unreachable(&CallError::Mismatch).into())
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<RaftId>, StreamingError<Types, Fatal<RaftId>>> {
        let message =
            SnapshotMessage { vote, meta: snapshot.meta, data: snapshot.snapshot.into_inner() };
        let call = self.call(Body::Snapshot(Box::new(message)), option.hard_ttl());
        let answer = tokio::select! {
            biased;
            closed = cancel => return Err(StreamingError::Closed(closed)),
            answer = call => answer,
        };
        match answer {
            Ok(Answer::Snapshot(vote)) => Ok(SnapshotResponse::new(vote)),
            Ok(_) => Err(unreachable(&CallError::Mismatch).into()),
            Err(error) => Err(unreachable(&error).into()),
        }
    }

    fn backoff(&self) -> Backoff {
        let pauses = BACKOFF_MS.into_iter().map(Duration::from_millis);
        let last = Duration::from_millis(BACKOFF_MS.last().copied().unwrap_or_default());
        Backoff::new(pauses.chain(std::iter::repeat(last)))
    }
}
