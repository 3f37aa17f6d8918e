//! Disks that fail on demand, and count what they are asked.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use kvs_core::engine::memory::Memory;
use kvs_core::engine::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use kvs_core::{Durability, Order, Outcome, Range};

use super::*;

/// What the next writes do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Writes {
    #[default]
    Work,
    /// They are refused, and nothing changes.
    Refuse,
    /// They are lost, and nobody knows.
    Lose,
    /// They are made, and nobody knows.
    KeepSecret,
}

#[derive(Default)]
pub(crate) struct Gauge {
    pub(crate) gets: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) synced: AtomicU64,
    /// Every call takes a thread of its own.
    pub(crate) is_slow: AtomicBool,
    pub(crate) next: Mutex<Writes>,
    pub(crate) syncs: Mutex<Syncs>,
    changed: Condvar,
}

/// The syncs that somebody waits for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Syncs {
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    /// None ends.
    are_held: bool,
    fail: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Disk {
    memory: Arc<Memory>,
    pub(crate) gauge: Arc<Gauge>,
}

impl Disk {
    pub(crate) fn store(&self) -> Store {
        Store::new(self.clone(), Durability::Os, Env::manual(0, 1).0)
    }

    /// The same, where each write is synced before it is acknowledged.
    pub(crate) fn durable(&self) -> Store {
        Store::new(self.clone(), Durability::Always, Env::manual(0, 1).0)
    }

    /// From here on no sync ends.
    pub(crate) fn hold_syncs(&self) {
        self.gauge.syncs.lock().unwrap().are_held = true;
    }

    /// Syncs end again, those under way too.
    pub(crate) fn release_syncs(&self) {
        self.gauge.syncs.lock().unwrap().are_held = false;
        self.gauge.changed.notify_all();
    }

    /// From here on syncs fail.
    pub(crate) fn fail_syncs(&self) {
        self.gauge.syncs.lock().unwrap().fail = true;
    }

    pub(crate) fn syncs(&self) -> Syncs {
        *self.gauge.syncs.lock().unwrap()
    }

    pub(crate) fn writes(&self, next: Writes) {
        *self.gauge.next.lock().unwrap() = next;
    }

    fn wait(&self, wait: Wait) -> EngineResult<()> {
        if self.gauge.is_slow.load(Ordering::SeqCst) && wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        Ok(())
    }
}

impl Engine for Disk {
    fn name(&self) -> &'static str {
        "test"
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        self.wait(wait)?;
        self.gauge.gets.fetch_add(1, Ordering::SeqCst);
        self.memory.get(key, wait, found)
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        self.wait(wait)?;
        let next = *self.gauge.next.lock().unwrap();
        match next {
            Writes::Refuse => {
                let (outcome, source) = (Outcome::NotApplied, "the disk refuses".into());
                return Err(EngineError::Failed { outcome, source });
            }
            Writes::Lose => return Err(EngineError::write("the disk is silent")),
            Writes::Work | Writes::KeepSecret => {}
        }
        self.gauge.writes.fetch_add(1, Ordering::SeqCst);
        self.gauge.synced.fetch_add(u64::from(sync), Ordering::SeqCst);
        self.memory.write(writes, sync, wait)?;
        match next {
            Writes::KeepSecret => Err(EngineError::write("the disk is silent")),
            _ => Ok(()),
        }
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        self.wait(wait)?;
        self.memory.scan(range, order, wait, visit)
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.memory.scan_all(visit)
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        let mut syncs = self.gauge.syncs.lock().unwrap();
        syncs.begun += 1;
        syncs = self.gauge.changed.wait_while(syncs, |syncs| syncs.are_held).unwrap();
        syncs.ended += 1;
        if syncs.fail { Err(EngineError::write("the disk is silent")) } else { Ok(()) }
    }

    fn compact(&self) -> EngineResult<()> {
        self.memory.compact()
    }
}
