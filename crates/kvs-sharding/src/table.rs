//! The entities in use at their owner.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::error::Cause;

/// The entities of one region that have messages here, or had some lately.
pub(crate) struct Table<S> {
    records: Mutex<Records<S>>,
    keep: Duration,
    mailbox_max: usize,
    idle_max: usize,
}

/// The shard of an entity, which is what is handed over as a whole, and the entity's id.
pub(crate) type Name = (u32, Arc<[u8]>);

struct Records<S> {
    entities: BTreeMap<Name, Record<S>>,
    /// Those without messages, by how long they have been so: since when, and a number of its own.
    idle: BTreeMap<(Instant, u64), Name>,
    next_number: u64,
}

struct Record<S> {
    entity: Arc<Entity<S>>,
    /// How many messages are here: waiting, being handled, or with their reply to follow.
    messages: usize,
    /// Its place among the idle ones.
    idle: Option<(Instant, u64)>,
    /// The entity was handed over while it had messages: its state is not to be kept.
    handed_over: bool,
}

struct Entity<S> {
    /// Held by the message that has the turn; others wait in order.
    slot: Arc<tokio::sync::Mutex<Slot<S>>>,
    /// How often the entity was handed over.
    hand_overs: AtomicU64,
    /// Tells those that wait of a hand-over.
    drain: Notify,
}

/// The state of an entity, and the hand-overs that had been before it was made.
struct Slot<S> {
    state: Option<S>,
    hand_overs: u64,
}

impl<S> Table<S> {
    pub(crate) fn new(keep: Duration, mailbox_max: usize, idle_max: usize) -> Self {
        let records = Records { entities: BTreeMap::new(), idle: BTreeMap::new(), next_number: 0 };
        Self { records: Mutex::new(records), keep, mailbox_max, idle_max }
    }

    /// Puts a message into the mailbox of the entity `name`, or says that it is full.
    pub(crate) fn enter(self: &Arc<Self>, name: Name) -> Result<Entered<S>, Cause> {
        let mut records = self.records();
        let Records { entities, idle, .. } = &mut *records;
        let record = entities.entry(name.clone()).or_insert_with(Record::new);
        if record.messages >= self.mailbox_max {
            let reason = format!("its mailbox holds {} messages", record.messages);
            return Err(Cause::Busy { reason });
        }
        record.messages += 1;
        if let Some(place) = record.idle.take() {
            idle.remove(&place);
        }
        let entity = record.entity.clone();
        Ok(Entered { table: self.clone(), name, entity })
    }

    fn leave(&self, name: &Name) {
        let mut records = self.records();
        let Records { entities, idle, next_number } = &mut *records;
        let Some(record) = entities.get_mut(name) else { return };
        record.messages -= 1;
        if record.messages > 0 {
            return;
        }
        let gone = if self.keep.is_zero() || record.handed_over {
            entities.remove(name)
        } else {
            let place = (Instant::now(), *next_number);
            *next_number += 1;
            record.idle = Some(place);
            idle.insert(place, name.clone());
            if idle.len() > self.idle_max { records.passivate_first() } else { None }
        };
        // The state's own code runs without the lock.
        drop(records);
        drop(gone);
    }

    /// Passivates what has been idle for long enough.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        loop {
            let mut records = self.records();
            let first = records.idle.first_key_value();
            if first.is_none_or(|(&(since, _), _)| now.duration_since(since) < self.keep) {
                return;
            }
            let gone = records.passivate_first();
            drop(records);
            drop(gone);
        }
    }

    /// Hands the entities of `shard` over: those who wait are refused, what is being handled comes
    /// to its end, and nothing of their state is kept.
    #[cfg(feature = "cluster")]
    pub(crate) fn hand_over(&self, shard: u32) {
        let mut records = self.records();
        let start: Name = (shard, Arc::default());
        let of_shard = records.entities.range(start..).take_while(|((of, _), _)| *of == shard);
        let names: Vec<_> = of_shard.map(|(name, _)| name.clone()).collect();
        let gone: Vec<_> = names.iter().filter_map(|name| records.hand_over(name)).collect();
        // The state's own code runs without the lock.
        drop(records);
        drop(gone);
    }

    /// The same for the entities that `is_lost` says so of.
    #[cfg(feature = "cluster")]
    pub(crate) fn hand_over_if(&self, is_lost: impl Fn(&[u8]) -> bool) {
        let names: Vec<_> = self.records().entities.keys().cloned().collect();
        for name in names.iter().filter(|(_, entity)| is_lost(entity)) {
            let gone = self.records().hand_over(name);
            drop(gone);
        }
    }

    /// How many entities are in memory.
    pub(crate) fn len(&self) -> usize {
        self.records().entities.len()
    }

    fn records(&self) -> MutexGuard<'_, Records<S>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Records<S> {
    fn passivate_first(&mut self) -> Option<Record<S>> {
        let (_, name) = self.idle.pop_first()?;
        self.entities.remove(&name)
    }

    /// Hands one entity over, and takes it out if it is idle.
    #[cfg(feature = "cluster")]
    fn hand_over(&mut self, name: &Name) -> Option<Record<S>> {
        let record = self.entities.get_mut(name)?;
        if let Some(place) = record.idle {
            self.idle.remove(&place);
            return self.entities.remove(name);
        }
        record.handed_over = true;
        record.entity.hand_overs.fetch_add(1, Ordering::SeqCst);
        record.entity.drain.notify_waiters();
        None
    }
}

impl<S> Record<S> {
    fn new() -> Self {
        let slot = Arc::new(tokio::sync::Mutex::new(Slot { state: None, hand_overs: 0 }));
        let entity = Entity { slot, hand_overs: AtomicU64::new(0), drain: Notify::new() };
        Self { entity: Arc::new(entity), messages: 0, idle: None, handed_over: false }
    }
}

/// A message in a mailbox. It is out when this is dropped.
pub(crate) struct Entered<S> {
    table: Arc<Table<S>>,
    name: Name,
    entity: Arc<Entity<S>>,
}

impl<S> Entered<S> {
    /// Waits for the turn, at most until `deadline`. A hand-over ends the waiting.
    pub(crate) async fn turn(&self, deadline: Instant) -> Result<TurnOf<S>, Cause> {
        // Made before anybody looks at the owner, so that no later hand-over is missed.
        let drained = self.entity.drain.notified();
        let taken = self.entity.hand_overs.load(Ordering::SeqCst);
        let slot = match self.entity.slot.clone().try_lock_owned() {
            Ok(slot) => slot,
            Err(_held) => tokio::select! {
                biased;
                () = drained => return Err(handed_over()),
                slot = timeout_at(deadline, self.entity.slot.clone().lock_owned()) => {
                    slot.map_err(|_elapsed| late())?
                }
            },
        };
        if Instant::now() >= deadline {
            return Err(late());
        }
        let hand_overs = self.entity.hand_overs.load(Ordering::SeqCst);
        if hand_overs != taken {
            return Err(handed_over());
        }
        Ok(TurnOf { slot, hand_overs })
    }
}

fn late() -> Cause {
    Cause::Busy { reason: "the deadline passed before it was its turn".to_owned() }
}

fn handed_over() -> Cause {
    Cause::NotApplied { reason: "the entity was handed over while it waited".to_owned() }
}

impl<S> Drop for Entered<S> {
    fn drop(&mut self) {
        self.table.leave(&self.name);
    }
}

/// The turn on an entity; dropping it lets the next message begin.
pub(crate) struct TurnOf<S> {
    slot: OwnedMutexGuard<Slot<S>>,
    hand_overs: u64,
}

impl<S> TurnOf<S> {
    /// Takes the state out, unless the entity has none from since the last hand-over.
    pub(crate) fn take_state(&mut self) -> Option<S> {
        let state = self.slot.state.take();
        state.filter(|_| self.slot.hand_overs == self.hand_overs)
    }

    /// Puts the state back, for the next message.
    pub(crate) fn put_state(&mut self, state: S) {
        self.slot.hand_overs = self.hand_overs;
        self.slot.state = Some(state);
    }
}
