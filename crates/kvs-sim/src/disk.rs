//! A disk that loses what was not synced.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs_core::engine::{Engine, EngineResult, Visit, Wait, WriteSet};
use kvs_core::scan::is_empty;
use kvs_core::{Order, Range};

use crate::mints::Mints;

/// The disk of a node: an ordered map in memory that outlives the node. Clones are handles of the
/// same.
///
/// What is written survives the end of the process; what is [synced](Self::sync) also the
/// [loss of power](Self::lose_power).
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    mints: Mints,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How to undo the writes since the last sync, in the order in which they were made.
    unsynced: Vec<Vec<Undo>>,
    /// How many syncs were asked for that take their time.
    syncs: u64,
}

/// What a sync takes that somebody waits for, and what one in [`SLOW_EVERY`] takes: long enough for
/// others to be done with the same write, and for power to go meanwhile.
const SYNC_TIME: Duration = Duration::from_millis(2);
const SLOW_SYNC_TIME: Duration = Duration::from_millis(500);
const SLOW_EVERY: u64 = 8;

/// A key, and what was stored there.
type Undo = (Vec<u8>, Option<Vec<u8>>);

impl SimDisk {
    /// An empty disk; `mints` sees everything that is written.
    pub fn new(mints: Mints) -> Self {
        Self { state: Arc::default(), mints }
    }

    /// Forgets the last writes, of those that were not synced all but the first `kept`. Gives how many.
    pub fn lose_power(&self, kept: usize) -> usize {
        let mut state = self.lock();
        let kept = kept.min(state.unsynced.len());
        let lost = state.unsynced.split_off(kept);
        state.unsynced.clear();
        for (key, before) in lost.iter().flatten().rev() {
            state.set(key, before.clone());
        }
        lost.len()
    }

    /// Forgets everything.
    pub fn wipe(&self) {
        *self.lock() = State::default();
    }

    /// How many writes are not synced.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Makes all writes so far survive the loss of power.
    pub fn sync_all(&self) {
        self.lock().unsynced.clear();
    }

    /// All rows whose stored key begins with `prefix`.
    pub fn rows(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let state = self.lock();
        let from_prefix = state.rows.range(prefix.to_vec()..);
        from_prefix
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match value {
            Some(value) => self.rows.insert(key.to_vec(), value),
            None => self.rows.remove(key),
        }
    }
}

impl Engine for SimDisk {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn get(&self, key: &[u8], _: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        if let Some(value) = self.lock().rows.get(key) {
            found(value);
        }
        Ok(())
    }

    fn write(&self, writes: &WriteSet, sync: bool, _: Wait) -> EngineResult<()> {
        let mut state = self.lock();
        let mut undo = Vec::with_capacity(writes.len());
        for (key, value) in writes.iter() {
            if let Some(value) = value {
                self.mints.see(key, value);
            }
            let before = state.set(key, value.map(<[u8]>::to_vec));
            undo.push((key.to_vec(), before));
        }
        state.unsynced.push(undo);
        if sync {
            state.unsynced.clear();
        }
        Ok(())
    }

    fn scan(&self, range: &Range, order: Order, _: Wait, visit: Visit<'_>) -> EngineResult<()> {
        if is_empty(range) {
            return Ok(());
        }
        let state = self.lock();
        let found = state.rows.range(range.clone());
        let mut visit = |(key, value): (&Vec<u8>, &Vec<u8>)| visit(key, value);
        let _: ControlFlow<()> = match order {
            Order::Ascending => found.into_iter().try_for_each(&mut visit),
            Order::Descending => found.into_iter().rev().try_for_each(&mut visit),
        };
        Ok(())
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.scan(&(Bound::Unbounded, Bound::Unbounded), Order::Ascending, Wait::Allowed, visit)
    }

    fn sync(&self, _: Wait) -> EngineResult<()> {
        self.sync_all();
        Ok(())
    }

    fn sync_time(&self) -> Duration {
        let mut state = self.lock();
        state.syncs += 1;
        if state.syncs.is_multiple_of(SLOW_EVERY) { SLOW_SYNC_TIME } else { SYNC_TIME }
    }

    fn compact(&self) -> EngineResult<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    fn write(disk: &SimDisk, key: &str, value: Option<&str>, sync: bool) {
        let mut writes = WriteSet::default();
        writes.stored(key.as_bytes(), value.map(str::as_bytes));
        disk.write(&writes, sync, Wait::Never).unwrap();
    }

    #[test]
    fn power_takes_what_was_not_synced() {
        let disk = SimDisk::new(Mints::new(History::default()));
        write(&disk, "1a", Some("old"), false);
        write(&disk, "1b", Some("synced"), true);
        write(&disk, "1a", Some("new"), false);
        write(&disk, "1b", None, false);
        write(&disk, "1c", Some("lost"), false);
        assert_eq!(disk.unsynced(), 3);

        assert_eq!(disk.lose_power(1), 2);
        let row = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(disk.rows(b"1"), [row("1a", "new"), row("1b", "synced")]);
        assert_eq!(disk.lose_power(0), 0);
    }
}
