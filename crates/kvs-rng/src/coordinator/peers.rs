//! What a coordinator needs of its node.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::identity::NodeId;
use crate::layout::Layout;

/// The other nodes.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Runs a request at `to`, which hands it to [`Coordinator::handle`](super::Coordinator::handle),
    /// and gives its answer. Takes no longer than `deadline`.
    async fn call(
        &self,
        to: NodeId,
        method: u16,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, PeerError>;

    /// Whether `node` seems to be up: a preference, never a promise.
    fn is_up(&self, node: NodeId) -> bool;
}

/// A request got no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct PeerError {
    /// Whether it may have been executed. If not it is safe to send it again, also elsewhere.
    pub sent: bool,
    /// What happened.
    pub reason: String,
}

/// The layouts that a node knows of.
#[async_trait]
pub trait Layouts: Send + Sync + 'static {
    /// The newest layout here; `None` before the node is part of a ring.
    fn current(&self) -> Option<Arc<Layout>>;

    /// Asks `from`, which has shown a newer layout, for it. When it returns, [`current`] is newer, or
    /// it could not be had.
    ///
    /// [`current`]: Self::current
    async fn fetch_newer(&self, from: NodeId);
}
