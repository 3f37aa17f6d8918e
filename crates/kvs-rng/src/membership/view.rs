//! What a node sees of the others.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::advert::Advert;
use crate::identity::{Incarnation, NodeId};

/// The nodes that seem to be up, this one among them. A node that is missing seems to be down, or was
/// never heard of.
pub type Members = BTreeMap<NodeId, Seen>;

/// A node that seems to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it receives; its requests come to the same port, over TCP.
    pub address: SocketAddr,
    /// The start of its process. A higher one means that it has been restarted.
    pub incarnation: Incarnation,
    /// How sure it is that the node is up.
    pub state: State,
    /// What it said last about its layout, if that has come here yet. Up to ten seconds old on a bad
    /// network, mostly below one.
    pub advert: Option<Advert>,
}

/// How sure it is that a node is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As far as known it answers.
    Up,
    /// Somebody got no answer from it. It counts as up until it has had its time to object.
    Suspect,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams received, good and bad.
    pub received: u64,
    /// Datagrams handed to the network.
    pub sent: u64,
    /// Datagrams that were not sent: the network refused them or too many were waiting.
    pub unsent: u64,
    /// Received ones that were dropped since they did not open: another key, another cluster, damage.
    pub foreign: u64,
    /// Received ones that opened and were dropped since they made no sense.
    pub malformed: u64,
    /// Received ones that were dropped since they were meant for another node. A few are normal after
    /// a node's disk was wiped; many mean that two nodes claim one address.
    pub misaddressed: u64,
    /// Received ones that were dropped since they came from another process that claims to be this
    /// node. Any mean that a data folder was copied.
    pub impostors: u64,
    /// Received ones that were dropped since they named more nodes than can be remembered.
    pub crowded: u64,
    /// How often this node was wrongly declared down and came back.
    pub renewals: u64,
    /// Errors inside the failure detector; it goes on after each.
    pub faults: u64,
}
