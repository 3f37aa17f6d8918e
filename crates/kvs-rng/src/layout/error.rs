//! Why a layout is refused.

use std::net::SocketAddr;

use thiserror::Error;

use super::quorum::QuorumError;
use super::{MEMBERS_MAX, VIRTUAL_NODES_MAX};
use crate::hash::HashingError;
use crate::identity::NodeId;

/// Why a layout, or a change of one, is refused. The layout is what it was; the same change on the
/// same layout is always refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The node is a member already; what is new about it is told by an update.
    #[error("node {id} is already a member, at {address}")]
    AlreadyMember {
        /// The node.
        id: NodeId,
        /// The address it is known by.
        address: SocketAddr,
    },

    /// Another member has the address.
    #[error("node {id} can't have the address {address}: it is the address of node {holder}")]
    AddressTaken {
        /// The node that wants it.
        id: NodeId,
        /// The address.
        address: SocketAddr,
        /// The member that has it.
        holder: NodeId,
    },

    /// The node is to take the place of a member, but that place is another one.
    #[error(
        "node {id} can't take the place of node {old}: its {what} is {given}, not {expected}; \
         start it with the same"
    )]
    OtherPlace {
        /// The node that wants the place.
        id: NodeId,
        /// The member that has it.
        old: NodeId,
        /// What differs.
        what: &'static str,
        /// What the member has.
        expected: String,
        /// What the node has.
        given: String,
    },

    /// No member has this id.
    #[error("node {id} is not a member")]
    UnknownNode {
        /// The node.
        id: NodeId,
    },

    /// Without its last node there is no cluster.
    #[error("node {id} is the last one and can't leave")]
    LastNode {
        /// The node.
        id: NodeId,
    },

    /// The layout is already what the change makes it.
    #[error("the layout is already so: nothing changed")]
    Unchanged,

    /// The cluster is full.
    #[error("a cluster has at most {MEMBERS_MAX} nodes")]
    TooManyMembers,

    /// A member can't be as described.
    #[error("node {id} at {address}: {problem}")]
    Member {
        /// The node.
        id: NodeId,
        /// Its address.
        address: SocketAddr,
        /// What is wrong.
        problem: &'static str,
    },

    /// The cluster's name is empty or too long.
    #[error("a cluster's name must have 1 to 255 bytes")]
    ClusterName,

    /// Too few or too many virtual nodes.
    #[error("{virtual_nodes} virtual nodes are outside of 1 to {VIRTUAL_NODES_MAX}")]
    VirtualNodes {
        /// What was given.
        virtual_nodes: u32,
    },

    /// The hashing can't be.
    #[error(transparent)]
    Hashing(#[from] HashingError),

    /// The quorum can't be.
    #[error(transparent)]
    Quorum(#[from] QuorumError),

    /// Bytes that are no layout.
    #[error("not a layout: {detail}")]
    Decode {
        /// What was found.
        detail: String,
    },
}
