//! Quorum reads and writes over the replicas; the ring as a store.
//!
//! A [`Coordinator`] is what one node does for its clients. Any node takes any call: the layout says
//! which N nodes hold the partition's bucket.
//!
//! # A write
//! One of the N replicas *mints* it: gives it its name and stores it, on top of what it holds. This
//! node does so if it is a replica; otherwise it forwards the write to one, the next if that was
//! surely not reached, and to no other once the first may have begun. The minter sends what it then
//! holds to the other replicas, and acknowledges when W have it, itself included. The others get it
//! in the background; who can't be reached gets a [hint](crate::hints).
//!
//! ```text
//!  client ──▶ node ── Write ──▶ minter ── Store ──▶ replica     W = 2: acknowledged here
//!                                      └─ Store ──▶ replica     in the background
//! ```
//!
//! What comes of it is told exactly: *acknowledged*; *not applied*, if nothing was minted; *unknown*,
//! if it was minted and fewer than W are known to have it. Such a write may show later, whole. Before
//! anything is minted the node looks whether W replicas seem to be there at all. A batch is one mint
//! and one message, and so atomic on each replica; only one that leaves so many siblings that they
//! don't fit into a frame is brought to the others in pieces.
//!
//! # A read
//! R replicas are asked, the nearest first, and all others as soon as one fails or is slow. The join
//! of the first R answers is the answer; with R + W > N one of them has each acknowledged write.
//! Replicas that turn out stale are mended in the background. Of a read that runs beside a write, or
//! after one whose outcome is unknown, one may see the write and the next not, until it is repaired.
//!
//! # Writes one after another
//! A write without a causal token replaces what its *minter* holds. The minter may have missed a write
//! that was acknowledged before; the two would be siblings, and clocks would decide which one wins. So
//! each replica that stores a write answers with what more it held of the key. One of any W replicas
//! has what was acknowledged before (W > N/2): the minter learns of it, and mints its write once more,
//! on top of it, before it acknowledges.

mod calls;
mod error;
mod gather;
mod limits;
mod merge;
pub mod message;
mod peers;
mod read;
mod recovery;
mod repair;
mod replay;
mod replicate;
mod ring;
mod scan;
mod serve;
mod state;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;
use std::time::Duration;

use kvs_core::CallOptions;
use kvs_core::env::Env;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::hints::Hints;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::Replica;
use limits::InFlight;

pub use error::RingError;
pub use message::MessageError;
pub use peers::{Layouts, PeerError, Peers};
pub use replay::ReplayError;
pub use ring::Ring;
pub use serve::HandleError;
pub use state::RingState;

/// How long a coordinator waits for replicas if the call has no deadline.
pub const GATHER_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a read waits for the first replicas before it asks the others too.
pub const HEDGE_DELAY: Duration = Duration::from_millis(20);
/// How often a call begins anew because the layout changed.
const LAYOUT_TRIES: usize = 3;
/// How long a newer layout may take to come.
const FETCH_TIMEOUT: Duration = Duration::from_secs(1);

/// What one node does for its clients, and for other coordinators. Clones are handles of the same.
#[derive(Clone)]
pub struct Coordinator {
    inner: Arc<Inner>,
}

struct Inner {
    id: NodeId,
    replica: Replica,
    peers: Arc<dyn Peers>,
    layouts: Arc<dyn Layouts>,
    hints: Hints,
    env: Env,
    gather_timeout: Duration,
    in_flight: InFlight,
    /// Wakes the replay of hints.
    seen_up: Notify,
}

impl Coordinator {
    /// The coordinator of node `id`, whose own replica is `replica`. [`GATHER_TIMEOUT`] suits most
    /// networks.
    pub fn new(
        id: NodeId,
        replica: Replica,
        peers: Arc<dyn Peers>,
        layouts: Arc<dyn Layouts>,
        hints: Hints,
        env: Env,
        gather_timeout: Duration,
    ) -> Self {
        let inner = Inner {
            id,
            replica,
            peers,
            layouts,
            hints,
            env,
            gather_timeout,
            in_flight: InFlight::default(),
            seen_up: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The node it belongs to.
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// The replica of this node.
    pub fn replica(&self) -> &Replica {
        &self.inner.replica
    }

    /// The hints that this node keeps for others.
    pub fn hints(&self) -> &Hints {
        &self.inner.hints
    }

    /// The newest layout here; `None` before the node is part of a ring.
    pub fn layout(&self) -> Option<Arc<Layout>> {
        self.inner.layouts.current()
    }

    /// The layout, for `operation`.
    fn layout_for(&self, operation: &'static str) -> Result<Arc<Layout>, RingError> {
        self.layout().ok_or(RingError::NoLayout { operation })
    }

    /// Fetches the layout of `from`, for a moment.
    async fn fetch_layout(&self, from: NodeId) {
        let fetch = self.inner.layouts.fetch_newer(from);
        if tokio::time::timeout(FETCH_TIMEOUT, fetch).await.is_err() {
            tracing::debug!(%from, "a newer layout did not come in time");
        }
    }

    /// Until when a call that begins now may take.
    fn until(&self, operation: &'static str, options: &CallOptions) -> Result<Instant, RingError> {
        let wait = options.deadline.unwrap_or(self.inner.gather_timeout);
        if wait.is_zero() {
            return Err(RingError::Deadline { operation });
        }
        Ok(later(wait))
    }

    /// Whether a node seems to be up; this one is.
    fn is_up(&self, node: NodeId) -> bool {
        node == self.id() || self.inner.peers.is_up(node)
    }

    /// `nodes` with the best to ask first: this one, then those that seem to be up, each in their
    /// order.
    fn preferred(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut nodes = nodes.to_vec();
        nodes.sort_by_key(|node| (*node != self.id(), !self.is_up(*node)));
        nodes
    }
}

/// The moment `wait` from now; a year stands for everything longer.
fn later(wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + wait.min(YEAR)
}
