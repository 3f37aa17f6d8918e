//! One scan out of several replicas'.

use std::collections::BTreeMap;
use std::ops::Bound;

use kvs_core::{Key, Order, Range};

use super::message::MessageError;
use super::read::Held;
use crate::identity::NodeId;
use crate::replica::Item;

/// The rows that replicas gave for one range, joined.
pub(super) struct Merged {
    /// What all replicas together hold, up to the frontier.
    pub(super) rows: Held,
    /// What each of them holds of it.
    pub(super) answers: Vec<(NodeId, Held)>,
    /// The last key that every replica has told all it knows up to; `None` if that is the whole
    /// range.
    pub(super) frontier: Option<Key>,
}

/// Joins what replicas gave; each says whether it has more.
///
/// Who has more says nothing about the keys behind its last one. So everything behind the first such
/// key is dropped: it would be an incomplete join.
pub(super) fn merge(answers: Vec<(NodeId, (Vec<Item>, bool))>, order: Order) -> Merged {
    let ends = answers.iter().filter(|(_, (_, more))| *more);
    let ends = ends.filter_map(|(_, (items, _))| items.last().map(|item| item.key.clone()));
    let frontier = match order {
        Order::Ascending => ends.min(),
        Order::Descending => ends.max(),
    };
    let is_known = |key: &Key| match (&frontier, order) {
        (None, _) => true,
        (Some(frontier), Order::Ascending) => key <= frontier,
        (Some(frontier), Order::Descending) => key >= frontier,
    };
    let mut rows = Held::new();
    let mut held_all = Vec::with_capacity(answers.len());
    for (node, (items, _)) in answers {
        let known = items.into_iter().filter(|item| is_known(&item.key));
        let held: Held = known.map(|item| (item.key, item.versions)).collect();
        for (key, versions) in &held {
            rows.entry(key.clone()).or_default().join(versions.clone());
        }
        held_all.push((node, held));
    }
    Merged { rows, answers: held_all, frontier }
}

/// Checks that rows are what was asked for: of the partition, in the range, in order, and some if
/// there are more.
pub(super) fn check(
    items: &[Item],
    more: bool,
    partition: &[u8],
    range: &Range,
    order: Order,
) -> Result<(), MessageError> {
    let in_place = |key: &Key| key.partition() == partition && contains(range, key.clustering());
    let in_order = items.is_sorted_by(|a, b| match order {
        Order::Ascending => a.key < b.key,
        Order::Descending => a.key > b.key,
    });
    if !in_order || !items.iter().all(|item| in_place(&item.key)) {
        return Err(MessageError::new("it gave rows that it was not asked for"));
    }
    if more && items.is_empty() {
        return Err(MessageError::new("it has more rows, and gave none"));
    }
    Ok(())
}

fn contains((start, end): &Range, key: &[u8]) -> bool {
    let after_start = match start {
        Bound::Included(start) => start.as_slice() <= key,
        Bound::Excluded(start) => start.as_slice() < key,
        Bound::Unbounded => true,
    };
    let before_end = match end {
        Bound::Included(end) => key <= end.as_slice(),
        Bound::Excluded(end) => key < end.as_slice(),
        Bound::Unbounded => true,
    };
    after_start && before_end
}

/// What of `range` lies behind `last`.
pub(super) fn behind(range: Range, last: &[u8], order: Order) -> Range {
    match order {
        Order::Ascending => (Bound::Excluded(last.to_vec()), range.1),
        Order::Descending => (range.0, Bound::Excluded(last.to_vec())),
    }
}

/// The keys of which some replica holds less than the join.
pub(super) fn is_stale(rows: &Held, answers: &[(NodeId, Held)]) -> bool {
    let differs = |held: &BTreeMap<_, _>| held.len() != rows.len() || held != rows;
    answers.iter().any(|(_, held)| differs(held))
}
