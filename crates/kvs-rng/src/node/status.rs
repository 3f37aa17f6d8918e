//! How the ring stands, as one node sees it.

use std::net::SocketAddr;

use crate::identity::{ClusterId, Incarnation, NodeId};
use crate::layout::{Quorum, Share};
use crate::membership::State;

pub use crate::coordinator::RingState;

/// The ring, as one node sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The node that says so.
    pub node: NodeId,
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's name.
    pub cluster_name: String,
    /// The version of the layout.
    pub layout_version: u64,
    /// Its digest: nodes that show the same version and digest have the same layout.
    pub layout_digest: u64,
    /// Replicas, and how many of them a write and a read need.
    pub quorum: Quorum,
    /// How many buckets there are.
    pub buckets: u32,
    /// What is served at present.
    pub state: RingState,
    /// Who leads the consensus on the layout, if that is known.
    pub leader: Option<NodeId>,
    /// Whether this node has yet to repair what a loss of power may have taken.
    pub recovering: bool,
    /// The members, in the order of their ids.
    pub members: Vec<MemberStatus>,
}

/// A member of the ring, as one node sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemberStatus {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Where it listens for other nodes.
    pub address: SocketAddr,
    /// Its zone; empty if it has none.
    pub zone: String,
    /// Its weight.
    pub weight: u32,
    /// Whether it seems up, and if so, whether that is in doubt; `None`: it seems down.
    pub state: Option<State>,
    /// How often it has been started, if it seems up.
    pub incarnation: Option<Incarnation>,
    /// Whether its vote counts in the consensus on the layout.
    pub votes: bool,
    /// The buckets it holds.
    pub share: Share,
    /// Hints that wait here for its return.
    pub hints: u64,
}
