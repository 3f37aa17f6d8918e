//! Which writes have been seen.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use kvs_core::limits::{self, LimitError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bytes::{self, Reader};
use super::dot::Dot;
use crate::identity::NodeId;

/// Most nodes in a vector that is read from bytes.
pub const NODES_MAX: usize = 4096;

/// Bytes that one node takes at least.
const NODE_BYTES_MIN: usize = 16 + 1;

/// A set of writes: for each node, all of its writes up to a counter.
///
/// One number a node is enough because a key's state always travels whole: who has seen a node's
/// write of that key has seen the node's earlier writes of it too. What the counters cover of other
/// keys of the bucket is without meaning (Parker et al., *Detection of Mutual Inconsistency in
/// Distributed Systems*, 1983).
///
/// Vectors are partially ordered: one is less than another if it is part of it, and two that each
/// cover what the other doesn't are not comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<(NodeId, u64)>", into = "Vec<(NodeId, u64)>")]
pub struct VersionVector {
    /// No counter is 0, so equal sets are equal maps.
    counters: BTreeMap<NodeId, u64>,
}

impl VersionVector {
    /// Whether it covers nothing.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// How many nodes have writes in it.
    pub fn len(&self) -> usize {
        self.counters.len()
    }

    /// The highest counter of `node`; 0 if there is none.
    pub fn counter(&self, node: NodeId) -> u64 {
        self.counters.get(&node).copied().unwrap_or(0)
    }

    /// Whether `dot` is in it. A counter of 0 names no write and counts as covered.
    pub fn covers(&self, dot: Dot) -> bool {
        dot.counter <= self.counter(dot.node)
    }

    /// Adds `dot` and all writes of its node before it.
    pub fn add(&mut self, dot: Dot) {
        if !self.covers(dot) {
            self.counters.insert(dot.node, dot.counter);
        }
    }

    /// Adds what `other` covers: the union.
    pub fn join(&mut self, other: &Self) {
        for dot in other.iter() {
            self.add(dot);
        }
    }

    /// Whether it covers all that `other` does.
    pub fn descends(&self, other: &Self) -> bool {
        other.iter().all(|dot| self.covers(dot))
    }

    /// The newest write of each node, in the order of the nodes.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.counters.iter().map(|(&node, &counter)| Dot { node, counter })
    }

    /// How many bytes [`put`](Self::put) appends.
    pub(super) fn put_len(&self) -> usize {
        let dots: usize = self.iter().map(|dot| 16 + bytes::varint_len(dot.counter)).sum();
        bytes::varint_len(self.len() as u64) + dots
    }

    /// Appends count, and node and counter of each entry.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        bytes::put_varint(self.len() as u64, out);
        for dot in self.iter() {
            out.extend_from_slice(dot.node.as_bytes());
            bytes::put_varint(dot.counter, out);
        }
    }

    /// Reads what [`put`](Self::put) wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> kvs_core::Result<Self> {
        let count = reader.count("nodes", NODES_MAX, NODE_BYTES_MIN)?;
        let mut vector = Self::default();
        for _ in 0..count {
            let dot = read_newest(reader, &vector)?;
            vector.add(dot);
        }
        Ok(vector)
    }
}

/// Reads a node and its counter, which come in the order of the nodes.
pub(super) fn read_newest(
    reader: &mut Reader<'_>,
    before: &VersionVector,
) -> kvs_core::Result<Dot> {
    let node = NodeId::from_bytes(reader.array()?);
    if before.counters.last_key_value().is_some_and(|(last, _)| *last >= node) {
        return Err(reader.wrong("its nodes are not in order"));
    }
    match reader.varint()? {
        0 => Err(reader.wrong("a node's counter is 0")),
        counter => Ok(Dot { node, counter }),
    }
}

impl PartialOrd for VersionVector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        from_descent(self.descends(other), other.descends(self))
    }
}

/// The order of two things of which each may descend from the other.
pub(super) fn from_descent(descends: bool, is_descended: bool) -> Option<Ordering> {
    match (descends, is_descended) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (false, false) => None,
    }
}

impl FromIterator<Dot> for VersionVector {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut vector = Self::default();
        for dot in dots {
            vector.add(dot);
        }
        vector
    }
}

/// A list of counters is no version vector.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VectorError {
    /// There are too many nodes.
    #[error(transparent)]
    Limit(#[from] LimitError),

    /// Nodes are out of order or doubled, or a counter is 0.
    #[error("the entry of node {0} in a version vector is out of order, doubled or 0")]
    Entry(NodeId),
}

impl TryFrom<Vec<(NodeId, u64)>> for VersionVector {
    type Error = VectorError;

    fn try_from(entries: Vec<(NodeId, u64)>) -> Result<Self, VectorError> {
        limits::at_most("nodes of a version vector", entries.len(), NODES_MAX)?;
        let mut counters = BTreeMap::new();
        for (node, counter) in entries {
            let is_next = counters.last_key_value().is_none_or(|(last, _)| *last < node);
            if counter == 0 || !is_next {
                return Err(VectorError::Entry(node));
            }
            counters.insert(node, counter);
        }
        Ok(Self { counters })
    }
}

impl From<VersionVector> for Vec<(NodeId, u64)> {
    fn from(vector: VersionVector) -> Self {
        vector.counters.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{dot, node, vector};
    use super::*;

    #[test]
    fn it_covers_a_write_and_those_before_it() {
        let mut vector = VersionVector::default();
        assert!(vector.is_empty() && !vector.covers(dot(1, 1)));
        vector.add(dot(1, 5));
        vector.add(dot(1, 3));
        assert!(vector.covers(dot(1, 3)) && vector.covers(dot(1, 5)));
        assert!(!vector.covers(dot(1, 6)) && !vector.covers(dot(2, 1)));
        assert_eq!((vector.len(), vector.counter(node(1)), vector.counter(node(2))), (1, 5, 0));
    }

    #[test]
    fn concurrent_vectors_are_not_comparable() {
        let one: VersionVector = [dot(1, 2), dot(2, 1)].into_iter().collect();
        let other: VersionVector = [dot(1, 1), dot(2, 2)].into_iter().collect();
        let part: VersionVector = [dot(1, 2)].into_iter().collect();
        assert_eq!(one.partial_cmp(&other), None);
        assert!(part < one && VersionVector::default() < part);
    }

    #[test]
    fn a_list_that_is_no_vector_is_refused() {
        let entries = |list: &[(u8, u64)]| {
            let list: Vec<_> = list.iter().map(|&(name, counter)| (node(name), counter)).collect();
            VersionVector::try_from(list)
        };
        assert_eq!(entries(&[(1, 2), (2, 7)]).unwrap().counter(node(2)), 7);
        for (list, wrong) in [([(1, 2), (1, 2)], 1), ([(2, 2), (1, 2)], 1), ([(1, 1), (2, 0)], 2)] {
            assert_eq!(entries(&list), Err(VectorError::Entry(node(wrong))));
        }
        let many = vec![(node(1), 1); NODES_MAX + 1];
        assert!(matches!(VersionVector::try_from(many), Err(VectorError::Limit(_))));
    }

    proptest! {
        #[test]
        fn the_join_is_the_least_that_descends_from_both(a in vector(), b in vector(), c in vector()) {
            let join = |x: &VersionVector, y: &VersionVector| {
                let mut joined = x.clone();
                joined.join(y);
                joined
            };
            let both = join(&a, &b);
            prop_assert!(both >= a && both >= b);
            prop_assert_eq!(&both, &join(&b, &a));
            prop_assert_eq!(join(&both, &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(a.descends(&b), both == a);
            if c >= a && c >= b {
                prop_assert!(c >= both);
            }
        }

        #[test]
        fn it_survives_postcard(vector in vector()) {
            let bytes = postcard::to_stdvec(&vector).unwrap();
            prop_assert_eq!(postcard::from_bytes::<VersionVector>(&bytes).unwrap(), vector);
        }
    }
}
