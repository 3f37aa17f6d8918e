//! All that a replica holds of one key.

use std::cmp::Ordering;

use kvs_core::limits::{self, LimitError, VALUE_BYTES_MAX};
use thiserror::Error;

use super::dot::Dot;
use super::sibling::Sibling;
use super::vector::{VersionVector, from_descent};

/// Most siblings of a key that a write may leave behind. A join may bring together more: this many
/// of each node that minted while it saw nothing of the others.
pub const SIBLINGS_MAX: usize = 100;
/// Most bytes that the values of a key may have together after a write that leaves siblings behind,
/// so that what was minted fits into one message. A join may bring together more of these too.
pub const SIBLINGS_BYTES_MAX: usize = 24 << 20;
/// Most nodes in the context of a key that is written: half of what can be read, so that joins of
/// concurrent writes don't pass that.
pub const MINTERS_MAX: usize = super::vector::NODES_MAX / 2;

/// All that a replica holds of one key: the siblings, and the context, which is every write that has
/// ever been seen here, also those that have been replaced. [`Default`] is a key that was never
/// written.
///
/// # What its user must keep
/// - **It travels whole.** A context stands for every write under its counters; one that is sent with
///   only some of the siblings would delete the others. For the same reason it is stored with its
///   siblings in one batch.
/// - **Who mints a write has seen its own earlier writes.** A node that may have lost some of what it
///   minted (no sync before a loss of power) must join the state of the other replicas before it
///   mints again, or its next write would seem to replace what it lost.
/// - **No dot is used twice**, not even for another key of the bucket.
///
/// The sets of siblings with one context are those of Preguiça et al., *Dotted Version Vectors*
/// (2010), and Almeida et al., *Scalable and Accurate Causality Tracking for Eventually Consistent
/// Stores* (DAIS 2014).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Covers each sibling.
    context: VersionVector,
    /// Sorted by dot, no dot twice.
    siblings: Vec<Sibling>,
}

/// A write was refused. Nothing changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The value is too large, the key has been written by too many nodes, or too many siblings (or
    /// bytes of siblings) would stay. The last is settled by a write with a newer causal token, or
    /// with none.
    #[error("{0}; nothing was written")]
    Limit(#[from] LimitError),

    /// The replica has seen this dot already, so the write would be taken for an old one: the node
    /// that mints has an old data folder, or the key comes from another cluster. Final.
    #[error(
        "the write {dot} was already seen by this key: the counter went back; nothing was written"
    )]
    DotUsed {
        /// The dot that was to be minted.
        dot: Dot,
    },
}

impl Versions {
    /// Siblings that are sorted and covered by `context`.
    pub(super) fn from_parts(context: VersionVector, siblings: Vec<Sibling>) -> Self {
        debug_assert!(siblings.is_sorted_by(|a, b| a.dot < b.dot));
        debug_assert!(siblings.iter().all(|sibling| context.covers(sibling.dot)));
        Self { context, siblings }
    }

    /// Every write of the key that has been seen.
    pub fn context(&self) -> &VersionVector {
        &self.context
    }

    /// The writes that nothing has replaced, sorted by dot.
    pub fn siblings(&self) -> &[Sibling] {
        &self.siblings
    }

    /// The parts.
    pub fn into_parts(self) -> (VersionVector, Vec<Sibling>) {
        (self.context, self.siblings)
    }

    /// Whether the key was never written, as far as this replica knows.
    pub fn is_empty(&self) -> bool {
        self.context.is_empty()
    }

    /// Whether the key was written, and all that is left are tombstones.
    pub fn is_deleted(&self) -> bool {
        !self.is_empty() && self.siblings.iter().all(Sibling::is_tombstone)
    }

    /// The siblings that have a value at `now_ms`, neither deleted nor expired.
    pub fn live(&self, now_ms: u64) -> impl Iterator<Item = &Sibling> {
        self.siblings.iter().filter(move |sibling| sibling.live_value(now_ms).is_some())
    }

    /// Whether there are as many siblings as a write may leave behind; one that replaces none of
    /// them is refused.
    pub fn is_full(&self) -> bool {
        self.siblings.len() >= SIBLINGS_MAX
    }

    /// Whether this replica has seen all that `seen` covers.
    ///
    /// A write that builds on something its minter has not seen stays concurrent with it. So before
    /// minting with a causal token for which this is false, the minter should join the state of other
    /// replicas.
    pub fn has_seen(&self, seen: &VersionVector) -> bool {
        self.context.descends(seen)
    }

    /// Mints a write.
    ///
    /// With `seen`, what its client had read, it replaces the siblings that `seen` covers and stands
    /// beside the others. Without, it replaces everything that is held here.
    ///
    /// `seen` comes from outside and so only selects: the context grows by the write's own dot and
    /// nothing else. A context that took over counters nobody has minted yet would swallow the writes
    /// that get them later.
    pub fn write(
        &mut self,
        write: Sibling,
        seen: Option<&VersionVector>,
    ) -> Result<(), WriteError> {
        let dot = write.dot;
        if self.context.covers(dot) {
            return Err(WriteError::DotUsed { dot });
        }
        let stays = |held: &Sibling| seen.is_some_and(|seen| !seen.covers(held.dot));
        self.check(&write, self.siblings.iter().filter(|held| stays(held)))?;
        self.siblings.retain(stays);
        let place = self.siblings.partition_point(|held| held.dot < dot);
        self.siblings.insert(place, write);
        self.context.add(dot);
        Ok(())
    }

    /// Checks the limits of `write` beside the siblings that stay.
    fn check<'a>(
        &self,
        write: &Sibling,
        stay: impl Iterator<Item = &'a Sibling>,
    ) -> Result<(), LimitError> {
        limits::at_most("value length in bytes", write.value_len(), VALUE_BYTES_MAX)?;
        let (count, bytes) = stay.fold((1, write.value_len()), |(count, bytes), sibling| {
            (count + 1, bytes + sibling.value_len())
        });
        limits::at_most("number of siblings of one key", count, SIBLINGS_MAX)?;
        limits::at_most("length of all siblings of one key in bytes", bytes, SIBLINGS_BYTES_MAX)?;
        let is_known = self.context.counter(write.dot.node) > 0;
        let nodes = self.context.len() + usize::from(!is_known);
        limits::at_most("number of nodes that have written one key", nodes, MINTERS_MAX)
    }

    /// Adds all that `other` has seen; says whether that changed anything here.
    ///
    /// A sibling stays if both have it, or if one has it and the other has never seen it; what one
    /// has seen and no longer holds was replaced. Commutative, associative and idempotent: replicas
    /// that have seen the same writes hold the same, whatever the order. Moves values, copies none;
    /// the cost is linear in the number of siblings.
    pub fn join(&mut self, other: Self) -> bool {
        if self.descends(&other) {
            return false;
        }
        let mut joined = Vec::with_capacity(self.siblings.len() + other.siblings.len());
        let mut mine = std::mem::take(&mut self.siblings).into_iter().peekable();
        let mut theirs = other.siblings.into_iter().peekable();
        loop {
            let order = match (mine.peek(), theirs.peek()) {
                (Some(mine), Some(theirs)) => mine.dot.cmp(&theirs.dot),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            joined.extend(match order {
                Ordering::Less => mine.next().filter(|held| !other.context.covers(held.dot)),
                Ordering::Greater => theirs.next().filter(|held| !self.context.covers(held.dot)),
                Ordering::Equal => mine.next().max(theirs.next()),
            });
        }
        joined.shrink_to_fit();
        self.siblings = joined;
        self.context.join(&other.context);
        true
    }

    /// Whether a join with `other` would change nothing: everything there is here, or was replaced
    /// by something that is. Values are compared where both have a sibling.
    pub fn descends(&self, other: &Self) -> bool {
        self.context.descends(&other.context)
            && self.siblings.iter().all(|mine| match other.sibling(mine.dot) {
                Some(theirs) => mine >= theirs,
                None => !other.context.covers(mine.dot),
            })
    }

    fn sibling(&self, dot: Dot) -> Option<&Sibling> {
        let place = self.siblings.binary_search_by_key(&dot, |sibling| sibling.dot).ok()?;
        self.siblings.get(place)
    }
}

/// Less is staler: a replica whose state is less than the join of all answers needs a repair.
impl PartialOrd for Versions {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        from_descent(self.descends(other), other.descends(self))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{dot, value};
    use super::super::timestamp::Timestamp;
    use super::*;

    fn written(writes: &[Sibling]) -> Versions {
        let mut versions = Versions::default();
        for write in writes {
            versions.write(write.clone(), None).unwrap();
        }
        versions
    }

    fn joined(a: &Versions, b: &Versions) -> Versions {
        let mut joined = a.clone();
        joined.join(b.clone());
        joined
    }

    #[test]
    fn a_write_without_a_token_replaces_what_is_held() {
        let versions = written(&[value(dot(1, 1), "a"), value(dot(2, 7), "b")]);
        assert_eq!(versions.siblings(), [value(dot(2, 7), "b")]);
        assert!(versions.context().covers(dot(1, 1)) && versions.context().covers(dot(2, 7)));
    }

    #[test]
    fn a_write_with_a_token_replaces_what_was_read() {
        let one = written(&[value(dot(1, 1), "a")]);
        let read = one.context().clone();
        let mut both = joined(&one, &written(&[value(dot(2, 1), "b")]));
        both.write(value(dot(1, 2), "c"), Some(&read)).unwrap();
        assert_eq!(both.siblings(), [value(dot(1, 2), "c"), value(dot(2, 1), "b")]);

        let read = both.context().clone();
        both.write(value(dot(3, 1), "d"), Some(&read)).unwrap();
        assert_eq!(both.siblings(), [value(dot(3, 1), "d")]);
    }

    #[test]
    fn a_token_from_nowhere_swallows_no_later_write() {
        let forged: VersionVector = [dot(2, u64::MAX)].into_iter().collect();
        let mut one = written(&[value(dot(1, 1), "a")]);
        assert!(!one.has_seen(&forged));
        one.write(value(dot(1, 2), "b"), Some(&forged)).unwrap();
        let later = written(&[value(dot(2, 1), "c")]);
        assert_eq!(joined(&one, &later).siblings().len(), 3);
    }

    #[test]
    fn a_late_write_from_the_past_changes_nothing() {
        let old = written(&[value(dot(1, 1), "a")]);
        let mut new = old.clone();
        new.write(Sibling::tombstone(dot(2, 1), Timestamp::from_ms(0)), None).unwrap();
        assert!(new > old && new.is_deleted() && !old.is_deleted());
        assert!(!new.join(old.clone()));
        assert_eq!(joined(&old, &new), new);
        assert_eq!(new.live(0).count(), 0);
    }

    #[test]
    fn concurrent_writes_are_not_comparable() {
        let one = written(&[value(dot(1, 1), "a")]);
        let other = written(&[value(dot(2, 1), "b")]);
        assert_eq!(one.partial_cmp(&other), None);
        assert!(joined(&one, &other) > one && Versions::default() < one);
    }

    #[test]
    fn one_dot_for_two_values_still_converges() {
        let one = written(&[value(dot(1, 1), "a")]);
        let other = written(&[value(dot(1, 1), "b")]);
        assert_eq!(joined(&one, &other), other);
        assert_eq!(joined(&other, &one), other);
        assert!(other > one);
    }

    #[test]
    fn a_dot_that_was_seen_is_refused() {
        let mut versions = written(&[value(dot(1, 5), "a")]);
        let before = versions.clone();
        for counter in [0, 4, 5] {
            let dot = dot(1, counter);
            let refused = versions.write(value(dot, "b"), None);
            assert_eq!(refused, Err(WriteError::DotUsed { dot }));
        }
        assert_eq!(versions, before);
    }

    #[test]
    fn a_full_key_takes_only_what_replaces() {
        let nothing = VersionVector::default();
        let mut versions = Versions::default();
        for counter in 1..=SIBLINGS_MAX as u64 {
            assert!(!versions.is_full());
            versions.write(value(dot(1, counter), "a"), Some(&nothing)).unwrap();
        }
        assert!(versions.is_full());
        let before = versions.clone();
        let refused = versions.write(value(dot(1, 101), "a"), Some(&nothing)).unwrap_err();
        assert!(refused.to_string().contains("is 101, the limit is 100"), "{refused}");
        assert_eq!(versions, before);

        let first: VersionVector = [dot(1, 1)].into_iter().collect();
        versions.write(value(dot(1, 101), "a"), Some(&first)).unwrap();
        assert!(versions.is_full());
        versions.write(value(dot(1, 102), "a"), None).unwrap();
        assert_eq!(versions.siblings().len(), 1);
    }

    #[test]
    fn values_have_limits() {
        let large =
            |counter, length| Sibling::new(dot(1, counter), Timestamp::default(), vec![0; length]);
        let nothing = VersionVector::default();
        let mut versions = Versions::default();
        assert!(versions.write(large(1, VALUE_BYTES_MAX + 1), None).is_err());
        assert!(versions.is_empty());
        versions.write(large(1, VALUE_BYTES_MAX), None).unwrap();
        assert!(versions.write(large(2, VALUE_BYTES_MAX), Some(&nothing)).is_err());
        versions.write(large(2, VALUE_BYTES_MAX), None).unwrap();
    }

    #[test]
    fn a_key_has_a_limit_of_minters() {
        let minter = |n: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            Dot::new(crate::identity::NodeId::from_bytes(bytes), 1)
        };
        let mut versions = Versions::default();
        for n in 0..MINTERS_MAX {
            versions.write(value(minter(n), ""), None).unwrap();
        }
        assert!(versions.write(value(minter(MINTERS_MAX), ""), None).is_err());
        versions.write(value(Dot { counter: 2, ..minter(0) }, ""), None).unwrap();
    }
}
