//! Disks that fail on demand, and count what they are asked.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvs_core::engine::memory::Memory;
use kvs_core::engine::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use kvs_core::{Durability, Order, Outcome, Range};

use super::*;

/// What the next writes do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Writes {
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
pub(super) struct Gauge {
    pub(super) gets: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) synced: AtomicU64,
    /// Every call takes a thread of its own.
    pub(super) is_slow: AtomicBool,
    pub(super) next: Mutex<Writes>,
}

#[derive(Clone, Default)]
pub(super) struct Disk {
    memory: Arc<Memory>,
    pub(super) gauge: Arc<Gauge>,
}

impl Disk {
    pub(super) fn store(&self) -> Store {
        Store::new(self.clone(), Durability::Os, Env::manual(0, 1).0)
    }

    pub(super) fn writes(&self, next: Writes) {
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
        self.memory.sync(wait)
    }

    fn compact(&self) -> EngineResult<()> {
        self.memory.compact()
    }
}
