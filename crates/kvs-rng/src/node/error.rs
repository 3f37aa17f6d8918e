//! Why a node can't serve.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kvs_core::DbaError;
use thiserror::Error;

use crate::consensus::{ConsensusError, FoundError, ProposeError, RecoverError};
use crate::identity::{ClusterId, NodeId};
use crate::layout::{LayoutError, QuorumError};
use crate::membership::MembershipError;
use crate::transport::StartError;
use crate::transport::handshake::HandshakeError;

/// A node could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The store failed or holds what can't be read. Nothing was started.
    #[error(transparent)]
    Store(#[from] DbaError),
    /// The store is an embedded one with records of its own, which a node would neither show nor keep
    /// safe. Nothing changed; final.
    #[error(
        "the data folder holds the records of an embedded store, and can't be a node's: start the \
         node on an empty folder; to take the records along, save them to an archive and load that \
         into the cluster"
    )]
    Embedded,
    /// The store is not that of a node that is or was a member of a cluster. Nothing changed; final.
    #[error("the data folder holds no node that is a member of a cluster")]
    NoNode,
    /// The node could not be made the only voter on the layout.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// Leases of that length are of no use. Nothing changed; final.
    #[error("a lease on reads of {found:?} is none of 100 ms to a minute")]
    ReadLease {
        /// The length.
        found: Duration,
    },
    /// The data folder is of a node of a cluster with another name. Nothing changed; final.
    #[error(
        "the data folder is of a node of the cluster {found:?}, not of {expected:?}; \
         start it with that name, or on an empty folder"
    )]
    OtherCluster {
        /// The name in the folder.
        found: String,
        /// The name that was given.
        expected: String,
    },
    /// The layout in the data folder is of another cluster than the node: the folder was mixed from
    /// two. Nothing changed; final.
    #[error("the data folder is of the cluster {expected}, but its layout is of {found}")]
    MixedFolder {
        /// The cluster of the layout.
        found: ClusterId,
        /// The cluster of the node.
        expected: ClusterId,
    },
    /// The node was removed from the cluster, or the layout it finds does not have it. Final: start it
    /// on an empty data folder, as a new node.
    #[error("{node} is no member of the cluster any more; start it on an empty data folder")]
    Removed {
        /// This node.
        node: NodeId,
    },
    /// A setting that belongs to the cluster was given another value here. Nothing changed; final.
    #[error("{what} of this cluster is {found}, not {given}: leave it out, or give the same")]
    Differs {
        /// The setting.
        what: &'static str,
        /// The cluster's.
        found: String,
        /// What was given.
        given: String,
    },
    /// The quorum breaks a rule. Nothing changed; final.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// A first layout can't be made of these settings. Nothing changed; final.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// An address to join can't be resolved. May be tried again.
    #[error("{name}: {source}")]
    Resolve {
        /// What was given.
        name: String,
        /// What the network said.
        source: io::Error,
    },
    /// Other nodes can't be listened to.
    #[error(transparent)]
    Transport(#[from] StartError),
    /// Gossip can't be listened to.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The consensus on the layout can't go on.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    /// No cluster could be founded.
    #[error("founding a cluster: {0}")]
    Found(#[from] FoundError),
    /// The nodes to join won't have this one as the two sides are set up: another cluster name, another
    /// cluster, another key, no protocol in common. Nothing changed; final.
    #[error("the cluster at {address} can't be joined: {reason}")]
    Refused {
        /// Who was asked to join.
        address: SocketAddr,
        /// What it said; or what this node has against it.
        reason: HandshakeError,
    },
    /// All addresses to join are of this node itself. Nothing changed; final.
    #[error("the addresses to join are this node's own; give one of another member, or none")]
    JoinsItself,
    /// The node runs already, at another address: one of the two has a copy of the other's data folder.
    /// Nothing changed in the cluster; final while the other runs.
    #[error(
        "{node} is running at {address}: this data folder is a copy of its own, or the other way \
         round; end that one first, or start this one on an empty folder"
    )]
    RunsElsewhere {
        /// This node.
        node: NodeId,
        /// Where it runs.
        address: SocketAddr,
    },
    /// The cluster did not take the node in.
    #[error("joining the cluster: {0}")]
    Join(#[source] ProposeError),
    /// The cluster did not take over the node's new name or address.
    #[error("telling the cluster of this node's name and address: {0}")]
    Update(#[source] ProposeError),
}
