//! How the ring stands, as one node sees it.

use std::net::SocketAddr;

use super::Node;
use crate::identity::{ClusterId, Incarnation, NodeId};
use crate::layout::{Member, Quorum, Share};
use crate::membership::State;
use crate::replica::Condition;

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
    /// What this node's own replicas may be asked.
    pub condition: Condition,
    /// Buckets of this node that are still to be repaired from other replicas: after an unclean start
    /// these are not read here.
    pub buckets_to_recover: usize,
    /// Buckets of this node whose logs of entities may lack something, after an unclean start or with a
    /// new disk: they count for less until the other replicas have brought them up to date.
    pub logs_in_doubt: usize,
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

impl Node {
    /// How the ring stands, as this node sees it; `None` before it is part of one.
    pub async fn status(&self) -> Option<Status> {
        let layout = self.layout()?;
        let consensus = self.consensus.status();
        let seen = self.membership.members();
        let shares = layout.shares();
        let coordinator = self.ring.coordinator();
        let hints = coordinator.hints().counts().await;
        let member = |member: &Member| {
            let seen = seen.get(&member.id);
            MemberStatus {
                id: member.id,
                name: member.name.clone(),
                address: member.address,
                zone: member.zone.clone(),
                weight: member.weight,
                state: seen.map(|seen| seen.state),
                incarnation: seen.map(|seen| seen.incarnation),
                votes: consensus.voters.contains(&member.id),
                share: shares.get(&member.id).copied().unwrap_or_default(),
                hints: hints.get(&member.id).copied().unwrap_or_default(),
            }
        };
        Some(Status {
            node: self.id,
            cluster: layout.cluster(),
            cluster_name: layout.name().to_owned(),
            layout_version: layout.version(),
            layout_digest: layout.digest(),
            quorum: layout.quorum(),
            buckets: layout.hashing().buckets(),
            state: coordinator.state(),
            leader: consensus.leader,
            condition: self.replica.condition(),
            buckets_to_recover: coordinator.buckets_to_recover().len(),
            logs_in_doubt: self.logs.buckets_in_doubt(),
            members: layout.members().values().map(member).collect(),
        })
    }
}
