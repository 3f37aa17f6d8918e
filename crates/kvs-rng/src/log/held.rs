//! How many bytes of entries this node holds, and the bound on them.
//!
//! Entries are held, in memory and on disk, until all replicas have them. Each log bounds what it holds
//! for one that lags behind; here is the bound on all of them together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kvs_core::env::spawn;

use super::bucket::Role;
use super::core::Event;
use super::driver::Driver;
use super::entry::Entry;
use super::writes::Writes;

/// Most bytes of entries that a node holds for replicas that lag behind. Beyond that the owner trims the
/// log that holds most; who needed it gets a snapshot.
pub const HELD_BYTES_MAX: usize = 1 << 30;

/// All logs of the node.
#[derive(Default)]
pub(super) struct HeldByAll {
    bytes: AtomicUsize,
    is_trimming: AtomicBool,
}

/// One log: the sizes of its entries.
#[derive(Default)]
pub(super) struct HeldByOne {
    entries: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl HeldByOne {
    pub(super) fn add(&mut self, all: &HeldByAll, entry: &Entry<Writes>) {
        let size = entry.size();
        self.entries.push_back((entry.position.seq, size));
        self.bytes += size;
        all.bytes.fetch_add(size, Ordering::Relaxed);
    }

    pub(super) fn cut(&mut self, all: &HeldByAll, after: u64) {
        while let Some((_, size)) = self.entries.pop_back_if(|(seq, _)| *seq > after) {
            self.take(all, size);
        }
    }

    pub(super) fn trim(&mut self, all: &HeldByAll, upto: u64) {
        while let Some((_, size)) = self.entries.pop_front_if(|(seq, _)| *seq <= upto) {
            self.take(all, size);
        }
    }

    fn take(&mut self, all: &HeldByAll, size: usize) {
        self.bytes -= size;
        all.bytes.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Driver {
    /// Trims if all logs together hold too much.
    pub(super) fn bound_held(self: &Arc<Self>) {
        if self.held.bytes.load(Ordering::Relaxed) <= HELD_BYTES_MAX
            || self.held.is_trimming.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let driver = self.clone();
        spawn(async move {
            let owned = driver.all_opened().into_iter();
            let owned = owned.filter(|it| matches!(it.now().role, Role::Serving { .. }));
            if let Some(largest) = owned.max_by_key(|it| it.lock().held.bytes) {
                driver.step(&largest, Event::Trim);
            }
            driver.held.is_trimming.store(false, Ordering::Release);
        });
    }
}
