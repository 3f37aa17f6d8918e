//! Changes of many buckets on their way to disk, several in one write.
//!
//! One task at a time writes; what is issued while it does shares the next write, and its sync. (Group
//! commit: Gawlick and Kinkade, *Varieties of Concurrency Control in IMS/VS Fast Path*, 1985.)

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use kvs_core::engine::WriteSet;
use kvs_core::env::spawn;
use kvs_core::{Result, StoredRow};

use super::bucket::{BucketLog, Role, State};
use super::core::{Event, Install};
use super::driver::Driver;
use super::entry::{Entry, Position};
use super::format::{self, Head};
use super::rows;
use super::writes::Writes;
use crate::hash::Bucket;
use crate::identity::NodeId;

/// A write goes on taking in what waits until it has this many bytes.
const WRITE_BYTES: usize = 8 << 20;
/// What a change takes beside its rows, roughly.
const OVERHEAD: usize = 256;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Queue {
    queue: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    work: VecDeque<Work>,
    is_writing: bool,
}

pub(super) enum Work {
    Changes(Box<Changes>),
    /// From here on the rows of `position` are kept for `to`.
    Snapshot {
        bucket: Arc<BucketLog>,
        to: NodeId,
        position: Position,
        then: Page,
    },
}

/// The first page of a snapshot, to be sent once that has begun.
pub(super) type Page = Box<dyn FnOnce() + Send>;

/// One atomic change of one bucket.
pub(super) struct Changes {
    pub(super) bucket: Arc<BucketLog>,
    pub(super) number: u64,
    pub(super) sync: bool,
    /// The head from here on.
    pub(super) head: Head,
    /// Entries to be removed first: those after the first number, up to the second.
    pub(super) cut: Option<(u64, u64)>,
    pub(super) append: Vec<Entry<Writes>>,
    /// What is newly committed, in order.
    pub(super) apply: Vec<Writes>,
    /// Entries to be removed last.
    pub(super) trim: Option<(u64, u64)>,
    pub(super) install: Option<(Install, Vec<StoredRow>)>,
}

impl Changes {
    fn size(&self) -> usize {
        let entries = self.append.iter().filter_map(|entry| entry.payload.as_ref());
        let rows = entries.chain(&self.apply).map(|writes| writes.as_bytes().len());
        let page = self.install.iter().flat_map(|(_, rows)| rows);
        let page = page.map(|row| row.key.len() + row.value.len());
        rows.sum::<usize>() + page.sum::<usize>() + OVERHEAD
    }

    /// The generation that a snapshot's pages are laid down as.
    fn other_generation(&self, install: &Install) -> u8 {
        // The last page makes it the one that counts.
        if install.last { self.head.generation } else { 1 - self.head.generation.min(1) }
    }

    fn add_to(&self, writes: &mut WriteSet) -> Result<()> {
        let bucket = self.bucket.id;
        let remove = |writes: &mut WriteSet, range: Option<(u64, u64)>| {
            let Some((after, upto)) = range else { return };
            for seq in after.saturating_add(1)..=upto {
                writes.stored(&format::entry_key(bucket, seq), None);
            }
        };
        if let Some((install, page)) = &self.install {
            let generation = self.other_generation(install);
            for row in page {
                let key = rows::in_generation(bucket, generation, &row.key);
                writes.stored(&key, Some(&row.value));
            }
        }
        remove(writes, self.cut);
        for entry in &self.append {
            let key = format::entry_key(bucket, entry.position.seq);
            writes.stored(&key, Some(&format::encode("entry of a log", entry)?));
        }
        for applied in &self.apply {
            let entity = applied.entity()?;
            applied.for_each(|clustering, value| {
                rows::write(writes, bucket, self.head.generation, entity, clustering, value);
            })?;
        }
        remove(writes, self.trim);
        Ok(())
    }
}

/// Of each bucket the number of the last change, and the head that it leaves.
type Last = BTreeMap<Bucket, (Arc<BucketLog>, u64, Head)>;

impl Waiting {
    fn start(&mut self, driver: &Arc<Driver>) {
        if !std::mem::replace(&mut self.is_writing, true) {
            let driver = driver.clone();
            spawn(async move { driver.write_on().await });
        }
    }
}

impl Queue {
    /// Adds work; `driver` does it soon.
    pub(super) fn push(&self, driver: &Arc<Driver>, work: Work) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.work.push_back(work);
        if !driver.together.is_under_way() {
            queue.start(driver);
        }
    }

    /// Has written what waits.
    pub(super) fn start(&self, driver: &Arc<Driver>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.work.is_empty() {
            queue.start(driver);
        }
    }

    /// As much as goes into one write; `None` if nothing waits, and then nobody writes any more.
    fn take(&self) -> Option<Vec<Work>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        let mut bytes = 0;
        while bytes < WRITE_BYTES {
            // A snapshot begins between two writes.
            let is_snapshot = matches!(queue.work.front(), Some(Work::Snapshot { .. }));
            if is_snapshot && !taken.is_empty() {
                break;
            }
            let Some(work) = queue.work.pop_front() else { break };
            if let Work::Changes(changes) = &work {
                bytes += changes.size();
            }
            taken.push(work);
            if is_snapshot {
                break;
            }
        }
        if taken.is_empty() {
            queue.is_writing = false;
            return None;
        }
        Some(taken)
    }
}

impl Driver {
    /// Writes until nothing waits.
    async fn write_on(self: Arc<Self>) {
        while let Some(work) = self.queue.take() {
            // As after a crash: what was not written was not answered.
            if self.is_closed() {
                return;
            }
            let mut changes = Vec::new();
            for work in work {
                match work {
                    Work::Changes(it) if !it.bucket.is_dead() => changes.push(*it),
                    Work::Changes(_) => {}
                    Work::Snapshot { bucket, to, position, then } => {
                        self.snapshots.begin(&bucket, to, position);
                        then();
                    }
                }
            }
            if !changes.is_empty() {
                self.write_changes(changes).await;
            }
        }
    }

    async fn write_changes(self: &Arc<Self>, changes: Vec<Changes>) {
        let mut last = Last::new();
        for it in &changes {
            last.insert(it.bucket.id, (it.bucket.clone(), it.number, it.head));
        }
        match self.write_all(&changes, &last).await {
            Ok(()) => {
                self.together(|| {
                    for (bucket, upto, _) in last.into_values() {
                        self.step(&bucket, Event::Persisted { upto });
                    }
                });
            }
            Err(error) => {
                for (bucket, ..) in last.into_values() {
                    tracing::error!(node = %self.id, bucket = %bucket.id, %error,
                        "a write to the log of a bucket failed; the bucket is opened again");
                    self.give_up(&bucket);
                }
            }
        }
    }

    async fn write_all(&self, changes: &[Changes], last: &Last) -> Result<()> {
        let mut writes = WriteSet::default();
        let mut sync = false;
        for it in changes {
            if let Some((install, _)) = it.install.as_ref().filter(|(install, _)| install.page == 0)
            {
                let other = it.other_generation(install);
                self.raw.delete_range(rows::bucket_range(it.bucket.id, other, None)).await?;
            }
            self.snapshots.keep(&self.raw, it).await?;
            it.add_to(&mut writes)?;
            sync |= it.sync;
        }
        for (bucket, (_, _, head)) in last {
            let head = format::encode("head of a log", head)?;
            writes.stored(&format::head_key(*bucket), Some(&head));
        }
        let raw = if sync { &self.synced } else { &self.raw };
        raw.write(writes).await?;
        self.counters.wrote();
        for it in changes {
            if it.install.as_ref().is_some_and(|(install, _)| install.last) {
                let old = 1 - it.head.generation.min(1);
                self.raw.delete_range(rows::bucket_range(it.bucket.id, old, None)).await?;
            }
        }
        Ok(())
    }

    /// Forgets what is in memory of a bucket, as a crash would.
    pub(super) fn give_up(&self, bucket: &Arc<BucketLog>) {
        self.give_up_locked(bucket, &mut bucket.lock());
    }

    pub(super) fn give_up_locked(&self, bucket: &Arc<BucketLog>, state: &mut State) {
        self.forget_bucket(bucket);
        bucket.set_role(Role::Dead);
        state.lose_all();
        state.held.trim(&self.held, u64::MAX);
        self.lost.send(bucket.id);
    }
}
