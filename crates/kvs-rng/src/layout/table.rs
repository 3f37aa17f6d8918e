//! Which nodes hold a bucket.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::LayoutError;
use crate::hash::Bucket;
use crate::identity::NodeId;

/// For each bucket its *preference list*: the distinct nodes that hold it, the first being its
/// primary. All lists have the same length.
///
/// In bytes it is the sorted list of nodes and, for each bucket, positions in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TableV1", into = "TableV1")]
pub struct Table {
    copies: usize,
    /// The lists of all buckets, one after the other.
    nodes: Vec<NodeId>,
}

impl Table {
    /// Every bucket on one node.
    pub(super) fn single(node: NodeId, buckets: u32) -> Self {
        Self { copies: 1, nodes: vec![node; buckets as usize] }
    }

    /// A table of lists of `copies` distinct nodes each, one after the other.
    pub(super) fn new(copies: usize, nodes: Vec<NodeId>) -> Self {
        Self { copies, nodes }
    }

    /// The same with `new`, which holds nothing yet, in all places of `old`.
    pub(super) fn replaced(&self, old: NodeId, new: NodeId) -> Self {
        let place = |node: &NodeId| if *node == old { new } else { *node };
        Self { copies: self.copies, nodes: self.nodes.iter().map(place).collect() }
    }

    /// How many nodes hold a bucket; at least 1.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.nodes.len() / self.copies
    }

    /// The preference list of a bucket; empty if there is no such bucket.
    pub fn replicas(&self, bucket: Bucket) -> &[NodeId] {
        let start = (bucket.0 as usize).saturating_mul(self.copies);
        self.nodes.get(start..start.saturating_add(self.copies)).unwrap_or_default()
    }

    /// The preference lists of all buckets, in order.
    pub fn lists(&self) -> impl ExactSizeIterator<Item = &[NodeId]> {
        self.nodes.chunks_exact(self.copies)
    }

    /// The nodes that hold anything.
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        self.nodes.iter().copied().collect()
    }

    /// How many copies of buckets have to move from node to node on the way from this table to
    /// `next`: those that `next` places where this one has none.
    pub fn moved(&self, next: &Self) -> usize {
        let lists = self.lists().zip(next.lists());
        lists.map(|(old, new)| new.iter().filter(|node| !old.contains(node)).count()).sum()
    }
}

/// The bytes of a table.
#[derive(Serialize, Deserialize)]
struct TableV1 {
    copies: u8,
    /// Sorted.
    nodes: Vec<NodeId>,
    /// Positions in `nodes`, `copies` of them for each bucket.
    places: Vec<u16>,
}

impl From<Table> for TableV1 {
    fn from(table: Table) -> Self {
        let nodes: Vec<_> = table.nodes().into_iter().collect();
        let place = |node| nodes.binary_search(node).unwrap_or_default();
        // Lossless: a layout has at most MEMBERS_MAX nodes and REPLICAS_MAX copies.
        let places = table.nodes.iter().map(|node| place(node) as u16).collect();
        Self { copies: table.copies as u8, nodes, places }
    }
}

impl TryFrom<TableV1> for Table {
    type Error = LayoutError;

    fn try_from(bytes: TableV1) -> Result<Self, LayoutError> {
        let refused = |detail: &str| LayoutError::Decode { detail: format!("its table {detail}") };
        let copies = usize::from(bytes.copies);
        if copies == 0 || !bytes.places.len().is_multiple_of(copies) {
            return Err(refused("is not made of lists of equal length"));
        }
        if !bytes.nodes.is_sorted_by(|a, b| a < b) {
            return Err(refused("has its nodes out of order"));
        }
        let places = bytes.places.iter().map(|place| bytes.nodes.get(usize::from(*place)).copied());
        let Some(nodes) = places.collect::<Option<Vec<_>>>() else {
            return Err(refused("places a bucket on a node that is not there"));
        };
        let table = Self { copies, nodes };
        if table.lists().any(|list| list.iter().collect::<BTreeSet<_>>().len() < copies) {
            return Err(refused("places a bucket twice on a node"));
        }
        if table.nodes().len() < bytes.nodes.len() {
            return Err(refused("names a node that holds nothing"));
        }
        Ok(table)
    }
}
