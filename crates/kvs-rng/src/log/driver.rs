//! Carries out what the cores of all buckets want done.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kvs_core::env::{Env, spawn};
use kvs_core::store::Raw;
use kvs_core::{DbaError, Order, Result, StoredRow};
use tokio::sync::{Notify, OnceCell};

use super::bucket::{BucketLog, State};
use super::core::{Action, Core, Event, Voters};
use super::counters::Counters;
use super::doubts::Doubts;
use super::format::{self, Head};
use super::held::HeldByAll;
use super::hold::Hold;
use super::leases::Leases;
use super::lost::Lost;
use super::outbox::Outbox;
use super::owning::Hearsay;
use super::reach::Reach;
use super::snapshot::Snapshots;
use super::together::Together;
use super::writer::Queue;
use super::writes::Writes;
use super::{rows, ticker};
use crate::coordinator::{Layouts, Peers};
use crate::hash::Bucket;
use crate::identity::{Incarnation, NodeId};
use crate::layout::Layout;

/// Entries that are read at a time when a bucket is opened.
const LOAD_ROWS: usize = 1_000;
const LOAD_BYTES: usize = 8 << 20;

/// The logs of one node.
pub(super) struct Driver {
    pub(super) id: NodeId,
    incarnation: Incarnation,
    pub(super) is_sound: Box<dyn Fn() -> bool + Send + Sync>,
    pub(super) raw: Raw,
    pub(super) synced: Raw,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) layouts: Arc<dyn Layouts>,
    pub(super) env: Env,
    pub(super) doubts: Doubts,
    leases: Leases,
    buckets: Mutex<BTreeMap<Bucket, Slot>>,
    pub(super) queue: Queue,
    pub(super) outbox: Outbox,
    pub(super) together: Together,
    pub(super) snapshots: Snapshots,
    pub(super) counters: Counters,
    pub(super) lost: Lost,
    pub(super) held: HeldByAll,
    pub(super) reach: Reach,
    pub(super) hearsay: Hearsay,
    pub(super) hold: Hold,
    /// Wakes those who wait to try again.
    pub(super) hurry: Notify,
    closed: AtomicBool,
}

type Slot = Arc<OnceCell<Arc<BucketLog>>>;

/// What a driver is made of.
pub(super) struct Parts {
    pub(super) id: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) is_sound: Box<dyn Fn() -> bool + Send + Sync>,
    pub(super) raw: Raw,
    pub(super) synced: Raw,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) layouts: Arc<dyn Layouts>,
    pub(super) env: Env,
    pub(super) doubts: Doubts,
    pub(super) leases: Leases,
}

impl Driver {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { id, incarnation, is_sound, raw, synced, peers, layouts, env, doubts, leases } =
            parts;
        Self {
            id,
            incarnation,
            is_sound,
            raw,
            synced,
            peers,
            layouts,
            env,
            doubts,
            leases,
            buckets: Mutex::default(),
            queue: Queue::default(),
            outbox: Outbox::default(),
            together: Together::default(),
            snapshots: Snapshots::default(),
            counters: Counters::default(),
            lost: Lost::default(),
            held: HeldByAll::default(),
            reach: Reach::default(),
            hearsay: Hearsay::default(),
            hold: Hold::default(),
            hurry: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Sends, serves and ticks no more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.hurry.notify_waiters();
    }

    /// The log of a bucket, opened if it isn't.
    ///
    /// # Errors
    /// The store's; or that this node has no layout, or no part of the bucket.
    pub(super) async fn bucket(self: &Arc<Self>, id: Bucket) -> Result<Arc<BucketLog>> {
        let layout = self.layouts.current();
        let layout = layout.filter(|layout| {
            id.0 < layout.hashing().buckets() && layout.replicas(id).contains(&self.id)
        });
        let Some(layout) = layout else {
            return Err(super::error::elsewhere("it doesn't hold the bucket"));
        };
        loop {
            if self.is_closed() {
                return Err(super::error::elsewhere("it is about to end"));
            }
            if !(self.is_sound)() {
                return Err(super::error::elsewhere(
                    "its data folder is an old copy, or has lost writes unnoticed; it may have to be restarted",
                ));
            }
            let slot = self.buckets().entry(id).or_default().clone();
            let bucket = slot.get_or_try_init(|| self.open(id, &layout)).await?.clone();
            // Only now: who has it by then is seen by the one who holds commands back.
            if self.hold.is_on() {
                return Err(super::error::elsewhere("the nodes of the ring change just now"));
            }
            if !bucket.is_dead() {
                return Ok(bucket);
            }
            self.forget_bucket(&bucket);
        }
    }

    /// The log of a bucket, if it is open.
    pub(super) fn opened(&self, id: Bucket) -> Option<Arc<BucketLog>> {
        self.buckets().get(&id)?.get().cloned()
    }

    /// All buckets that are open.
    pub(super) fn all_opened(&self) -> Vec<Arc<BucketLog>> {
        self.buckets().values().filter_map(|slot| slot.get().cloned()).collect()
    }

    pub(super) fn forget_bucket(&self, bucket: &Arc<BucketLog>) {
        let mut buckets = self.buckets();
        let held = buckets.get(&bucket.id).and_then(|slot| slot.get());
        if held.is_some_and(|held| Arc::ptr_eq(held, bucket)) {
            buckets.remove(&bucket.id);
        }
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, BTreeMap<Bucket, Slot>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is on disk of a bucket.
    async fn open(self: &Arc<Self>, id: Bucket, layout: &Layout) -> Result<Arc<BucketLog>> {
        let head = self.raw.get(format::head_key(id)).await?;
        let head: Option<Head> =
            head.map(|bytes| format::decode("head of a log", &bytes)).transpose()?;
        let (losses, is_in_doubt) = self.doubts.opens(id, head.as_ref());
        let mut head = head.unwrap_or_default();
        head.losses = losses;
        let mut entries = Vec::new();
        let mut after = head.floor.seq;
        loop {
            let range = format::entries_after(id, after);
            let found = self.raw.scan(range, Order::Ascending, LOAD_ROWS, LOAD_BYTES).await?;
            for row in &found {
                let entry: super::entry::Entry<Writes> =
                    format::decode("entry of a log", &row.value)?;
                if Some(entry.position.seq) != after.checked_add(1) {
                    let problem = format!("entry {} comes after {after}", entry.position.seq);
                    return Err(DbaError::decode("log of a bucket", problem));
                }
                after = entry.position.seq;
                entries.push(entry);
            }
            if found.is_empty() {
                break;
            }
        }
        if after < head.commit {
            let problem = format!("{after} entries are there, {} were committed", head.commit);
            return Err(DbaError::decode("log of a bucket", problem));
        }
        // What is left of a snapshot that was not finished, or of the rows before one.
        let other = 1 - head.generation.min(1);
        self.raw.delete_range(rows::bucket_range(id, other, None)).await?;

        let voters = voters(layout, id);
        let core = Core::new(self.id, self.incarnation, head.durable(entries), voters.clone())
            .with_limits(self.leases.limits())
            .bound_until(self.leases.bound());
        let bucket = Arc::new(BucketLog::new(id, core, voters, head));
        {
            let mut state = bucket.lock();
            let State { core, held, .. } = &mut *state;
            core.log().entries.values().for_each(|entry| held.add(&self.held, entry));
        }
        if is_in_doubt {
            self.step(&bucket, Event::Doubt);
        }
        Ok(bucket)
    }

    /// Tells a core, and carries out what it wants done.
    pub(super) fn step(self: &Arc<Self>, bucket: &Arc<BucketLog>, event: Event<Writes>) {
        let mut state = bucket.lock();
        self.step_locked(bucket, &mut state, event, Vec::new());
    }

    /// The same, with rows that came beside the message.
    pub(super) fn step_locked(
        self: &Arc<Self>,
        bucket: &Arc<BucketLog>,
        state: &mut State,
        event: Event<Writes>,
        mut page: Vec<StoredRow>,
    ) {
        if bucket.is_dead() {
            return;
        }
        match &event {
            Event::Persisted { upto } => self.persisted(bucket, state, *upto),
            Event::Unanswered { to } => drop(state.asked.remove(to)),
            Event::Message { from, message } if !message.is_request() => {
                state.asked.remove(from);
            }
            _ => {}
        }
        if let Some(now) = self.leases.now() {
            state.core.handle(Event::Time(now), &mut Vec::new());
        }
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut actions = Vec::new();
            let from = match &event {
                Event::Message { from, .. } => Some(*from),
                _ => None,
            };
            state.core.handle(event, &mut actions);
            for action in actions {
                if let Action::Outdated { layout } = action {
                    events.extend(self.outdated(bucket, state, layout, from));
                } else {
                    self.carry_out(bucket, state, action, &mut page);
                }
            }
        }
        ticker::start(self, bucket, state);
    }

    /// Another node knows a newer layout: so may this one by now, or it fetches it.
    fn outdated(
        self: &Arc<Self>,
        bucket: &Arc<BucketLog>,
        state: &mut State,
        wanted: u64,
        from: Option<NodeId>,
    ) -> Option<Event<Writes>> {
        let layout = self.layouts.current()?;
        if layout.version() >= wanted && layout.version() > state.voters.layout {
            let voters = voters(&layout, bucket.id);
            state.voters = voters.clone();
            return Some(Event::Voters(voters));
        }
        if let Some(from) = from.filter(|_| layout.version() < wanted) {
            let driver = self.clone();
            spawn(async move {
                driver.layouts.fetch_newer(from).await;
                driver.layout_changed();
            });
        }
        None
    }

    /// Tells all open buckets whose replicas are others by now.
    pub(super) fn layout_changed(self: &Arc<Self>) {
        let Some(layout) = self.layouts.current() else { return };
        for bucket in self.all_opened() {
            let mut state = bucket.lock();
            let voters = voters(&layout, bucket.id);
            if voters.layout > state.voters.layout && !voters.same_sets(&state.voters) {
                state.voters = voters.clone();
                self.step_locked(&bucket, &mut state, Event::Voters(voters), Vec::new());
            }
        }
    }
}

/// Who votes on a bucket.
fn voters(layout: &Layout, bucket: Bucket) -> Voters {
    Voters::new(layout.version(), layout.replicas(bucket).iter().copied())
}
