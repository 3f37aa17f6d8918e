//! How even a ring is, and how much moves when it changes.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::{Change, Layout, LayoutError, Member, Quorum, Share, Table};
use crate::hash::Hashing;
use crate::identity::{ClusterId, NodeId};

/// How good the placement of a ring of equal nodes is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many nodes it has.
    pub nodes: u32,
    /// The copies of buckets on the fullest node, relative to the mean.
    pub load: f64,
    /// The buckets that the busiest node is the primary of, relative to the mean.
    pub primaries: f64,
    /// The copies that move when one more node joins, relative to its fair share, the least possible.
    pub join: f64,
    /// The copies that move when a node leaves, relative to what it held, the least possible: for the
    /// node where that is worst. 0 if nothing has to move, as there are no more nodes than copies.
    pub leave: f64,
}

/// Figures of rings of so many nodes (in ascending order; at least one each), joined one after the
/// other.
///
/// Costs about what one change costs, times the sum of the numbers and three times the greatest.
pub fn measure(
    counts: &[u32],
    hashing: Hashing,
    virtual_nodes: u32,
    quorum: Quorum,
) -> Result<Vec<Figures>, LayoutError> {
    let cluster = ClusterId::from_bytes(xxh3_128(b"figures").to_le_bytes());
    let mut ring = Layout::found(cluster, "figures", hashing, virtual_nodes, quorum, node(0))?;
    let mut figures = Vec::new();
    for nodes in counts {
        while ring.members().len() < *nodes as usize {
            ring = ring.apply(&Change::Join(node(ring.members().len())))?;
        }
        figures.push(figures_of(&ring)?);
    }
    Ok(figures)
}

fn figures_of(ring: &Layout) -> Result<Figures, LayoutError> {
    let shares = ring.shares();
    let newcomer = node(ring.members().len());
    let joined = ring.apply(&Change::Join(newcomer))?;
    let copies = joined.copies() * joined.table().buckets();
    let fair = copies as f64 / joined.members().len() as f64;
    let mut leave: f64 = 0.0;
    if ring.members().len() > ring.copies() {
        for (id, share) in &shares {
            let left = ring.apply(&Change::Leave(*id))?;
            let moved = moved(ring.table(), left.table());
            leave = leave.max(moved / f64::from(share.replicas));
        }
    }
    Ok(Figures {
        nodes: shares.len() as u32,
        load: fullest(&shares, |share| share.replicas),
        primaries: fullest(&shares, |share| share.primaries),
        join: moved(ring.table(), joined.table()) / fair,
        leave,
    })
}

fn moved(before: &Table, after: &Table) -> f64 {
    before.moved(after) as f64
}

/// The greatest relative to the mean.
fn fullest(shares: &BTreeMap<NodeId, Share>, count: impl Fn(&Share) -> u32) -> f64 {
    let counts = shares.values().map(|share| f64::from(count(share)));
    let (sum, most) = counts.fold((0.0, 0.0_f64), |(sum, most), n| (sum + n, most.max(n)));
    most * shares.len() as f64 / sum
}

/// A node whose id is as random as any, and always the same.
fn node(number: usize) -> Member {
    let id = NodeId::from_bytes(xxh3_128(&number.to_le_bytes()).to_le_bytes());
    let [.., high, low] = number.to_be_bytes();
    Member::new(id, format!("node-{number}"), ([10, 0, high, low], 4343).into())
}
