//! Which write may be read instead of which.

use std::collections::BTreeMap;

use kvs_core::Key;

use crate::history::{Event, Id, Operation};
use crate::mints::Mint;

/// What was minted, and how it is ordered.
///
/// Of two writes of a key, one of which was minted at a replica that had the other, the later one
/// replaces the earlier. Otherwise the one of higher rank wins when they are read. So in place of a
/// write *w* one may read what was minted after *w*, and what has a higher rank than *w* or than any
/// write minted after it. If clocks are right that is exactly what began before *w* ended, or later;
/// if they are wrong, what the wrong clocks say.
#[derive(Clone, Debug, Default)]
pub struct Order {
    mints: BTreeMap<Key, Vec<Mint>>,
}

impl Order {
    /// The order of these mints.
    pub fn new(mints: BTreeMap<Key, Vec<Mint>>) -> Self {
        Self { mints }
    }

    /// All mints of a key, in the order in which they were.
    pub fn of(&self, key: &Key) -> &[Mint] {
        self.mints.get(key).map_or(&[], Vec::as_slice)
    }

    /// The mints of a write of `key` by `operation`: of a put its own, of a delete all that were minted
    /// while it ran, for nothing tells them apart.
    pub fn written(&self, key: &Key, id: Option<Id>, operation: &Operation) -> Vec<Mint> {
        let end = operation.end.unwrap_or(Event::MAX);
        let is_it = |mint: &&Mint| match id {
            Some(_) => mint.id == id,
            None => mint.id.is_none() && (operation.start..end).contains(&mint.at),
        };
        self.of(key).iter().filter(is_it).copied().collect()
    }

    /// Whether a read that ended at `end` may have found `found` in place of each of `written`, which
    /// it had to see. Several stand for one of which it is not known which.
    pub fn allows(&self, key: &Key, found: Option<Id>, written: &[Mint], end: Event) -> bool {
        let before = |mint: &&Mint| mint.at < end;
        let found: Vec<&Mint> =
            self.of(key).iter().filter(before).filter(|mint| mint.id == found).collect();
        let allowed = |written: &Mint| {
            let newer = self.of(key).iter().filter(before).filter(|mint| mint.at >= written.at);
            let lowest = newer.map(|mint| mint.rank).min();
            found.iter().any(|it| it.at >= written.at || Some(it.rank) >= lowest)
        };
        written.is_empty() || written.iter().any(allowed)
    }
}
