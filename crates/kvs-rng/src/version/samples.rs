//! Values for tests.

use proptest::prelude::*;

use super::{Dot, Sibling, Timestamp, VersionVector, Versions};
use crate::identity::NodeId;

/// The node whose id is `name` sixteen times.
pub(super) fn node(name: u8) -> NodeId {
    NodeId::from_bytes([name; 16])
}

pub(super) fn dot(name: u8, counter: u64) -> Dot {
    Dot::new(node(name), counter)
}

/// A sibling with the timestamp 0.
pub(super) fn value(dot: Dot, value: &str) -> Sibling {
    Sibling::new(dot, Timestamp::default(), value)
}

/// Vectors of few nodes and small counters, so that they often overlap.
pub(super) fn vector() -> impl Strategy<Value = VersionVector> {
    prop::collection::vec((0..4_u8, 1..5_u64), 0..5)
        .prop_map(|dots| dots.into_iter().map(|(name, counter)| dot(name, counter)).collect())
}

/// Any states, also such as no history leads to.
pub(super) fn versions() -> impl Strategy<Value = Versions> {
    let counter = prop_oneof![1..5_u64, 1..=u64::MAX];
    let content = (any::<u64>(), any::<Option<u64>>(), any::<Option<Vec<u8>>>());
    let siblings = prop::collection::btree_map((0..4_u8, counter), content, 0..5);
    (vector(), siblings).prop_map(|(mut context, siblings)| {
        let sibling = |((name, counter), (bits, expires_at_ms, value))| Sibling {
            dot: dot(name, counter),
            timestamp: Timestamp::from_bits(bits),
            expires_at_ms,
            value,
        };
        let siblings: Vec<_> = siblings.into_iter().map(sibling).collect();
        siblings.iter().for_each(|sibling| context.add(sibling.dot));
        Versions::from_parts(context, siblings)
    })
}
