//! One bucket's log at this node: its core, and what is on its way around it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kvs_core::Outcome;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use super::core::{Core, Voters};
use super::entry::{Epoch, Position};
use super::format::Head;
use super::held::HeldByOne;
use super::overlay::Overlay;
use super::writes::Writes;
use crate::hash::Bucket;
use crate::identity::NodeId;

/// A bucket that has been used since the node started.
pub(super) struct BucketLog {
    pub(super) id: Bucket,
    state: Mutex<State>,
    pub(super) progress: watch::Sender<Progress>,
    /// Commands that wait here for their turn or their outcome.
    pub(super) commands: AtomicUsize,
    /// Who was asked last whether it owns the bucket, when, and what it said.
    pub(super) said: tokio::sync::Mutex<Option<(NodeId, Instant, bool)>>,
    /// Ends a long pause between ticks.
    pub(super) wake: Notify,
}

/// What others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) role: Role,
    /// The last batch of changes that is on disk.
    pub(super) persisted: u64,
    /// The last entry that is among the rows on disk.
    pub(super) applied: u64,
    /// The generation of the rows.
    pub(super) generation: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Somebody else owns it, or nobody.
    Replica {
        /// Under this epoch this node was last refused.
        refused_by: Option<Epoch>,
    },
    /// A take-over has begun.
    Trying,
    /// This node owns it. Its rows are up to date once `ready` is persisted.
    Serving { epoch: Epoch, ready: u64 },
    /// A write of it failed: what is on disk has to be read again.
    Dead,
}

/// Behind the lock.
pub(super) struct State {
    pub(super) core: Core<Writes>,
    pub(super) voters: Voters,
    /// As it is on disk once everything issued is.
    pub(super) head: Head,
    /// The last entry that is on disk then.
    pub(super) last: u64,
    /// Entries that aren't committed, with what they are to write.
    pub(super) pending: VecDeque<(u64, Option<Writes>)>,
    pub(super) overlay: Overlay,
    /// Batches of changes that are issued.
    pub(super) commits: VecDeque<Issued>,
    /// What was noted last of whether something may have been lost.
    pub(super) is_in_doubt: bool,
    /// The last batch of changes that was issued.
    pub(super) issued: u64,
    pub(super) next_ticket: u64,
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// Bytes of the writes that are waited for.
    pub(super) bytes: usize,
    pub(super) held: HeldByOne,
    /// Who was asked something and has not answered yet, and when.
    pub(super) asked: BTreeMap<NodeId, Instant>,
    /// A task ticks.
    pub(super) ticking: bool,
    /// It is in a long pause.
    pub(super) is_resting: bool,
    /// Who can own the bucket, when this node can't.
    pub(super) holder: Option<NodeId>,
}

/// A batch of changes that is on its way to disk.
pub(super) struct Issued {
    pub(super) number: u64,
    /// The last entry committed.
    pub(super) commit: u64,
    /// The generation of the rows.
    pub(super) generation: u8,
    /// Whether something may have been lost.
    pub(super) is_in_doubt: bool,
}

/// Somebody waits for an outcome.
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Result<Answer, Outcome>>,
    pub(super) bytes: usize,
    pub(super) since: Instant,
}

/// What came of a ticket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// It is committed here.
    Done(Position),
    /// What was read may be answered.
    Confirmed,
}

impl BucketLog {
    pub(super) fn new(id: Bucket, core: Core<Writes>, voters: Voters, head: Head) -> Self {
        let log = core.log();
        let pending = log.entries.iter().filter(|(seq, _)| **seq > head.commit);
        let pending = pending.map(|(seq, entry)| (*seq, entry.payload.clone())).collect();
        let last = log.tail().seq;
        let state = State {
            core,
            voters,
            head,
            last,
            pending,
            overlay: Overlay::default(),
            commits: VecDeque::new(),
            is_in_doubt: head.doubt.is_some(),
            issued: 0,
            next_ticket: 1,
            waiting: BTreeMap::new(),
            bytes: 0,
            held: HeldByOne::default(),
            asked: BTreeMap::new(),
            ticking: false,
            is_resting: false,
            holder: None,
        };
        let progress = Progress {
            role: Role::Replica { refused_by: None },
            persisted: 0,
            applied: head.commit,
            generation: head.generation,
        };
        Self {
            id,
            state: Mutex::new(state),
            progress: watch::Sender::new(progress),
            commands: AtomicUsize::new(0),
            said: tokio::sync::Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Progress {
        *self.progress.borrow()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.now().role == Role::Dead
    }

    pub(super) fn set_role(&self, role: Role) {
        self.progress.send_modify(|progress| progress.role = role);
    }
}

impl State {
    /// Names an outcome to wait for.
    pub(super) fn wait(
        &mut self,
        bytes: usize,
    ) -> (u64, oneshot::Receiver<Result<Answer, Outcome>>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let (answer, outcome) = oneshot::channel();
        self.bytes += bytes;
        self.waiting.insert(ticket, Waiting { answer, bytes, since: Instant::now() });
        (ticket, outcome)
    }

    pub(super) fn answer(&mut self, ticket: u64, answer: Result<Answer, Outcome>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        self.bytes = self.bytes.saturating_sub(waiting.bytes);
        // Who no longer waits needs no answer.
        let _ = waiting.answer.send(answer);
    }

    /// The outcome of everything that is waited for can't be known.
    pub(super) fn lose_all(&mut self) {
        while let Some((ticket, _)) = self.waiting.first_key_value() {
            let ticket = *ticket;
            self.answer(ticket, Err(Outcome::Unknown));
        }
        self.overlay.clear();
    }

    /// Lays over the rows what isn't among them yet, from the log.
    pub(super) fn fill_overlay(&mut self) -> kvs_core::Result<()> {
        self.overlay.clear();
        for (seq, writes) in &self.pending {
            if let Some(writes) = writes {
                self.overlay.add(*seq, writes)?;
            }
        }
        Ok(())
    }
}
