//! The layout: members, quorum and the table of buckets.
//!
//! A [`Layout`] is a value that all nodes agree on: who is in the ring, how many replicas a key has,
//! and for each bucket its *preference list*, the nodes that hold it. It changes one [`Change`] at a
//! time, each making the next version of it.
//!
//! # How buckets are placed
//! Consistent hashing (Karger et al., *Consistent Hashing and Random Trees*, STOC 1997) puts some
//! tokens of every node on the circle of hashes; a node likes those buckets best that have one of its
//! tokens close by. Tokens alone leave the fullest of many nodes far above the mean. So each node also
//! has a quota, its fair share by weight as a whole number, in the spirit of consistent hashing with
//! bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018), and the planner works from the table
//! as it is:
//!
//! 1. copies on nodes that left, and copies that a smaller N makes superfluous, are taken away;
//! 2. lists that are too short, or in fewer zones than they could be, are mended;
//! 3. nodes above their quota hand copies to nodes below it, those that the receiver likes best;
//! 4. each list is ordered so that every node is the *primary*, the first of the list, of its fair
//!    share too; the others follow as one meets them on the circle. That moves no data.
//!
//! Loads are then even to within one copy, and little more moves than must: a newcomer's share when
//! a node joins, what it held when one leaves.
//!
//! **The table is kept, not the recipe.** A layout made by one release is read by another whose
//! planner may be better; so what nodes agree on has to be the resulting layout, not the change.

mod bytes;
mod change;
mod error;
pub mod figures;
mod member;
mod plan;
mod primaries;
mod quorum;
mod quotas;
mod table;
mod tokens;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hash::{Bucket, Hashing};
use crate::identity::{ClusterId, NodeId};

pub use change::Change;
pub use error::LayoutError;
pub use member::{Member, NAME_LEN_MAX, WEIGHT_DEFAULT, WEIGHT_MAX};
pub use quorum::{Quorum, QuorumError, REPLICAS_MAX};
pub use table::Table;

/// Most nodes in a cluster.
pub const MEMBERS_MAX: usize = 1000;
/// The virtual nodes of a node of ordinary weight, if nothing else is said.
pub const VIRTUAL_NODES_DEFAULT: u32 = 128;
/// Most virtual nodes of a node of ordinary weight.
pub const VIRTUAL_NODES_MAX: u32 = 1024;

/// What all nodes agree on. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bytes::LayoutV1", into = "bytes::LayoutV1")]
pub struct Layout {
    cluster: ClusterId,
    name: String,
    version: u64,
    hashing: Hashing,
    virtual_nodes: u32,
    quorum: Quorum,
    members: BTreeMap<NodeId, Member>,
    table: Table,
}

/// What a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Buckets that it is the first of the preference list of.
    pub primaries: u32,
    /// Buckets that it holds, those included.
    pub replicas: u32,
}

impl Layout {
    /// The first layout of a new cluster, version 1, with one member.
    ///
    /// `hashing` and `virtual_nodes` (1 to 1024) are fixed for the cluster's life. Whether a weak
    /// quorum is wanted is for the caller to ask ([`Quorum::check`]).
    pub fn found(
        cluster: ClusterId,
        name: &str,
        hashing: Hashing,
        virtual_nodes: u32,
        quorum: Quorum,
        first: Member,
    ) -> Result<Self, LayoutError> {
        let table = Table::single(first.id, hashing.buckets());
        let members = BTreeMap::from([(first.id, first)]);
        let name = name.to_owned();
        let layout =
            Self { cluster, name, version: 1, hashing, virtual_nodes, quorum, members, table };
        layout.check()?;
        Ok(layout)
    }

    /// The cluster that it is the layout of.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The cluster's name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts the changes, from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How partitions map to buckets.
    pub fn hashing(&self) -> Hashing {
        self.hashing
    }

    /// How many tokens a node of ordinary weight has.
    pub fn virtual_nodes(&self) -> u32 {
        self.virtual_nodes
    }

    /// How many replicas there are to be, and how many must answer.
    pub fn quorum(&self) -> Quorum {
        self.quorum
    }

    /// The nodes in the ring; at least one.
    pub fn members(&self) -> &BTreeMap<NodeId, Member> {
        &self.members
    }

    /// The node with this id, if it is in the ring.
    pub fn member(&self, id: NodeId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// Which nodes hold which bucket.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many nodes hold each bucket: N, or all there are.
    pub fn copies(&self) -> usize {
        usize::from(self.quorum.n).min(self.members.len())
    }

    /// The bucket of a partition.
    pub fn bucket_of(&self, partition: &[u8]) -> Bucket {
        self.hashing.bucket(partition)
    }

    /// The preference list of a bucket: [`copies`](Self::copies) distinct members; empty if there is
    /// no such bucket.
    pub fn replicas(&self, bucket: Bucket) -> &[NodeId] {
        self.table.replicas(bucket)
    }

    /// What each member holds.
    pub fn shares(&self) -> BTreeMap<NodeId, Share> {
        let mut shares: BTreeMap<_, _> =
            self.members.keys().map(|id| (*id, Share::default())).collect();
        for list in self.table.lists() {
            for (place, node) in list.iter().enumerate() {
                let share = shares.entry(*node).or_default();
                share.replicas += 1;
                share.primaries += u32::from(place == 0);
            }
        }
        shares
    }

    /// Whether it can be a layout.
    fn check(&self) -> Result<(), LayoutError> {
        if self.name.is_empty() || self.name.len() > NAME_LEN_MAX {
            return Err(LayoutError::ClusterName);
        }
        let virtual_nodes = self.virtual_nodes;
        if !(1..=VIRTUAL_NODES_MAX).contains(&virtual_nodes) {
            return Err(LayoutError::VirtualNodes { virtual_nodes });
        }
        if self.members.len() > MEMBERS_MAX {
            return Err(LayoutError::TooManyMembers);
        }
        self.quorum.check(true)?;
        for member in self.members.values() {
            change::check_member(&self.members, member)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
