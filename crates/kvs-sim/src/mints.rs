//! What was ever minted, as the disks have seen it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kvs_core::format::stored_key;
use kvs_core::{Key, RowKind};
use kvs_rng::version::{Dot, Versions};

use crate::history::{self, Event, History, Id};

/// Bytes before the stored key of a replica's row: its kind and its bucket.
const PREFIX: usize = 5;

/// A write that some replica has minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mint {
    /// When it was first stored.
    pub at: Event,
    /// Its place among concurrent writes: the timestamp's bits, then its dot.
    pub rank: (u64, Dot),
    /// The value's id; `None` is a delete.
    pub id: Option<Id>,
}

/// All writes that were ever minted, by key, in the order in which they were. Clones are handles of
/// the same.
///
/// The checks need to know which of two writes was minted later, and which of them wins if neither has
/// seen the other. No client is told, but every disk can be watched: a write is on the minter's disk
/// before it is anywhere else.
#[derive(Clone, Debug)]
pub struct Mints {
    history: History,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    by_key: BTreeMap<Key, Vec<Mint>>,
    by_dot: BTreeMap<Dot, (Key, Option<Id>)>,
    doubles: Vec<String>,
}

impl Mints {
    /// None yet; `history` tells what happens when.
    pub fn new(history: History) -> Self {
        Self { history, seen: Arc::default() }
    }

    /// Takes note of a row that is stored.
    pub(crate) fn see(&self, key: &[u8], value: &[u8]) {
        if key.first() != Some(&(RowKind::Replica as u8)) {
            return;
        }
        let Some(Ok((_, key))) = key.get(PREFIX..).map(stored_key::decode) else { return };
        let Ok(versions) = Versions::decode(value) else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for sibling in versions.siblings() {
            let id = sibling.value.as_deref().and_then(history::id_of);
            let named = (key.clone(), id);
            match seen.by_dot.get(&sibling.dot) {
                Some(known) if *known == named => {}
                Some(known) => {
                    let double = format!("{:?} names {known:?} and {named:?}", sibling.dot);
                    seen.doubles.push(double);
                }
                None => {
                    seen.by_dot.insert(sibling.dot, named);
                    let rank = (sibling.timestamp.to_bits(), sibling.dot);
                    let mint = Mint { at: self.history.event(), rank, id };
                    seen.by_key.entry(key.clone()).or_default().push(mint);
                }
            }
        }
    }

    /// All mints of each key.
    pub fn by_key(&self) -> BTreeMap<Key, Vec<Mint>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).by_key.clone()
    }

    /// Dots that were given twice. Must stay empty.
    pub fn doubles(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).doubles.clone()
    }
}
