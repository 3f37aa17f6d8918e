//! The protocol of a bucket's log, without disk, network or time.
//!
//! A [`Core`] is one bucket at one node. It is told what happens ([`Event`]) and says what is to be done
//! about it ([`Action`]); it does nothing by itself, and the same events always lead to the same actions.
//! So a test, a simulation and a model checker can lead it anywhere, and a node's driver only has to
//! connect it to the disk, the network and the clock.
//!
//! ```text
//!                take over              promises of a majority,
//!   ┌─────────┐ ──────────▶ ┌───────────┐ highest tail adopted ┌───────┐ own entry committed ┌─────────┐
//!   │ replica │             │ candidate │ ───────────────────▶ │ owner │ ──────────────────▶ │ serving │
//!   └─────────┘ ◀────────── └───────────┘                      └───────┘                     └─────────┘
//!        ▲      refused, or a higher epoch                         │                              │
//!        └─────────────────────────────────────────────────────────┴──────────────────────────────┘
//! ```
//!
//! # What the driver owes the core
//! - `Persist`s reach the disk in order, each whole or not at all, and synced if they say so. After a
//!   crash the core begins with what is there. An answer that rests on a write waits for it by itself.
//! - The incarnation is higher at every start, and a node whose disk is gone has another id.
//! - A node that lost power, and doesn't sync each write, tells [`Event::Doubt`] at its start, and again
//!   at each start until that is on disk.
//! - Messages may be lost, late, repeated and reordered. A request that surely gets no answer is told as
//!   `Unanswered`, or its peer gets nothing more.
//! - With leases ([`Limits::lease`]), the time is told before any other event, by a clock that never goes back
//!   and runs on while the machine sleeps; and a core that is started anew is told until when the one
//!   before it may have been bound ([`Core::bound_until`]).
//! - When to take over, and how long to wait before the next try, is up to the driver: at random, or two
//!   candidates may go on refusing each other. A refusal names the one who has the higher epoch.
//!
//! # What it doesn't hold
//! The rows, and the snapshots of them; the results of commands. Of time it knows what it is told
//! ([`Event::Time`]), and only leases need that.

mod candidate;
mod durable;
mod event;
mod lease;
mod limits;
mod message;
mod owner;
mod peer;
mod replica;
mod rules;
#[cfg(test)]
mod tests;
mod voters;
#[cfg(any(test, feature = "model"))]
pub mod world;
mod writes;

use std::collections::VecDeque;
use std::time::Duration;

use crate::identity::{Incarnation, NodeId};
use crate::log::entry::{Entry, Epoch, Payload, Position};

use candidate::{Candidate, Promise};
use lease::Granted;
use owner::{Owner, Ticket};
use replica::{Appending, Staging};
use writes::{Then, Writes};

pub use durable::{Changes, Durable, Install};
pub use event::{Action, Event};
pub use limits::Limits;
pub use message::Message;
pub use rules::Rules;
pub use voters::Voters;

/// One bucket at one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core<P> {
    me: NodeId,
    incarnation: Incarnation,
    rules: Rules,
    limits: Limits,
    voters: Voters,
    /// As it will be on disk once all that was asked for is done.
    log: Durable<P>,
    /// Bytes of the log's entries, and of those that aren't committed.
    bytes: usize,
    uncommitted: usize,
    writes: Writes<P>,
    /// The highest epoch heard of.
    heard: Epoch,
    role: Role<P>,
    tickets: VecDeque<Ticket>,
    staging: Option<Staging>,
    /// The time, as far as it was told, and the lease that it has granted.
    now: Duration,
    granted: Granted,
}

/// What a node is to the bucket, besides a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role<P> {
    Replica,
    Candidate(Candidate<P>),
    Owner(Owner),
}

impl<P: Payload> Core<P> {
    /// The core of a node that has just started, with what is on its disk. The incarnation must be
    /// higher than at any start before.
    pub fn new(me: NodeId, incarnation: Incarnation, durable: Durable<P>, voters: Voters) -> Self {
        let size = |from: u64| durable.entries.range(from..).map(|(_, entry)| entry.size()).sum();
        let (bytes, uncommitted) = (size(0), size(durable.commit.saturating_add(1)));
        Self {
            me,
            incarnation,
            rules: Rules::ALL,
            limits: Limits::DEFAULT,
            voters,
            bytes,
            uncommitted,
            heard: durable.promised,
            log: durable,
            writes: Writes::default(),
            role: Role::Replica,
            tickets: VecDeque::new(),
            staging: None,
            now: Duration::ZERO,
            granted: Granted::default(),
        }
    }

    /// The same with other rules.
    #[cfg(any(test, feature = "model"))]
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes an event; what is to be done about it goes to the end of `actions`.
    pub fn handle(&mut self, event: Event<P>, actions: &mut Vec<Action<P>>) {
        match event {
            Event::Message { from, message } => self.on_message(from, message, actions),
            Event::Unanswered { to } => self.on_unanswered(to),
            Event::TakeOver => self.take_over(actions),
            Event::Submit { ticket, payloads } => self.on_submit(ticket, payloads, actions),
            Event::Confirm { ticket, upto } => self.on_confirm(ticket, upto, actions),
            Event::Persisted { upto } => self.on_persisted(upto, actions),
            Event::StepDown => {
                if self.epoch().is_some() {
                    self.deposed(None, actions);
                }
            }
            Event::Tick => match self.role {
                Role::Replica => {}
                Role::Candidate(_) => self.ask(actions),
                Role::Owner(_) => self.send_late(actions),
            },
            Event::Trim => {
                if matches!(self.role, Role::Owner(_)) {
                    self.trim(self.log.commit, actions);
                }
            }
            Event::Voters(voters) => self.on_voters(voters, actions),
            Event::Doubt => self.on_doubt(actions),
            Event::NothingLost => self.on_nothing_lost(actions),
            Event::Time(now) => self.on_time(now),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message<P>, actions: &mut Vec<Action<P>>) {
        match message {
            Message::Prepare { epoch, layout } => self.on_prepare(from, epoch, layout, actions),
            Message::Promised { epoch, tail, commit, doubted, floor: _ } => {
                self.on_promised(from, epoch, Promise { tail, commit, doubted }, actions);
            }
            Message::Refused { epoch, promised, layout } => {
                self.on_refused(epoch, promised, layout, actions);
            }
            Message::Append { epoch, layout, round, prev, entries, commit, floor } => {
                let append = Appending { round, prev, entries, commit, floor };
                self.on_append(from, epoch, layout, append, actions);
            }
            Message::Appended { epoch, round, upto } => {
                self.on_appended(from, epoch, round, upto, actions);
            }
            Message::Mismatch { epoch, round, tail, commit } => {
                self.on_mismatch(from, epoch, round, tail, commit, actions);
            }
            Message::Fetch { epoch, after } => self.on_fetch(from, epoch, after, actions),
            Message::Entries { epoch, after, entries } => {
                self.on_entries(from, epoch, after, entries, actions);
            }
            Message::Gone { epoch, floor: _ } => self.on_gone(from, epoch, actions),
            Message::Install { epoch, layout, position, page, last } => {
                let install = Install { position, page, last };
                self.on_install(from, epoch, layout, install, actions);
            }
            Message::Installed { epoch, position, next } => {
                self.on_installed(from, epoch, position, next, actions);
            }
            Message::Lease { epoch, layout, number } => {
                self.on_lease(from, epoch, layout, number, actions);
            }
            Message::Granted { epoch, number, millis } => {
                self.on_granted(from, epoch, number, millis);
            }
            Message::Leased { epoch, millis: _ } => self.on_leased(from, epoch),
        }
    }

    /// A request of `epoch` was refused.
    fn on_refused(
        &mut self,
        epoch: Epoch,
        promised: Epoch,
        layout: u64,
        actions: &mut Vec<Action<P>>,
    ) {
        self.heard = self.heard.max(promised);
        if self.epoch() != Some(epoch) {
            return;
        }
        if layout > self.voters.layout {
            actions.push(Action::Outdated { layout });
            self.deposed(None, actions);
        } else if promised > epoch {
            self.deposed(Some(promised), actions);
        }
    }

    fn on_persisted(&mut self, upto: u64, actions: &mut Vec<Action<P>>) {
        self.writes.persisted(upto);
        while let Some(then) = self.writes.next() {
            match then {
                Then::Send(to, message) => actions.push(Action::Send { to, message }),
                Then::Own(epoch, seq) => self.on_own(epoch, seq, actions),
            }
        }
    }

    fn on_voters(&mut self, voters: Voters, actions: &mut Vec<Action<P>>) {
        if voters.layout <= self.voters.layout {
            return;
        }
        let is_same = voters.same_sets(&self.voters);
        self.voters = voters;
        if !is_same && !matches!(self.role, Role::Replica) {
            // An epoch has one set of voters: its promises come from those who count its entries.
            self.take_over(actions);
        }
    }

    /// This node's promise of `epoch`, and its log up to `seq`, are on its disk.
    fn on_own(&mut self, epoch: Epoch, seq: u64, actions: &mut Vec<Action<P>>) {
        match &mut self.role {
            Role::Candidate(candidate) if candidate.epoch == epoch => {
                let promise = self.promise();
                self.on_promised(self.me, epoch, promise, actions);
            }
            Role::Owner(owner) if owner.epoch == epoch => {
                owner.persisted(seq);
                self.progress(actions);
            }
            _ => {}
        }
    }

    fn count_own_when_persisted(&mut self, epoch: Epoch, actions: &mut Vec<Action<P>>) {
        let seq = self.log.tail().seq;
        if self.rules.persisted_self {
            self.writes.after(Then::Own(epoch, seq));
        } else {
            self.on_own(epoch, seq, actions);
        }
    }

    /// Ends a take-over or an ownership.
    fn deposed(&mut self, by: Option<Epoch>, actions: &mut Vec<Action<P>>) {
        self.drop_reads(actions);
        self.drop_tickets(actions);
        self.role = Role::Replica;
        actions.push(Action::Deposed { by });
    }

    /// Makes `changes`, here and on disk.
    fn persist(&mut self, changes: Changes<P>, actions: &mut Vec<Action<P>>) {
        if changes.is_empty() {
            return;
        }
        let counts = changes.cut_after.is_some()
            || changes.trim.is_some()
            || changes.install.is_some_and(|install| install.last);
        let size: usize = changes.append.iter().map(Entry::size).sum();
        let before = self.log.commit;
        self.log.apply(&changes);
        if counts {
            self.bytes = self.size(0);
            self.uncommitted = self.size(self.log.commit.saturating_add(1));
        } else {
            let new = self.log.entries.range(before.saturating_add(1)..);
            let new = new.take_while(|(seq, _)| **seq <= self.log.commit);
            let committed: usize = new.map(|(_, entry)| entry.size()).sum();
            self.bytes += size;
            self.uncommitted = (self.uncommitted + size).saturating_sub(committed);
        }
        self.writes.persist(changes, actions);
    }

    /// Bytes of the entries from `seq` on.
    fn size(&self, seq: u64) -> usize {
        self.log.entries.range(seq..).map(|(_, entry)| entry.size()).sum()
    }

    /// Sends an answer that rests on what is to be on disk.
    fn answer(&mut self, to: NodeId, message: Message<P>, actions: &mut Vec<Action<P>>) {
        if self.writes.is_idle() || !self.rules.persisted_answers {
            actions.push(Action::Send { to, message });
        } else {
            self.writes.after(Then::Send(to, message));
        }
    }

    /// The entries from `seq` on that fit into a message.
    fn page(&self, seq: u64) -> Vec<Entry<P>> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        for entry in self.log.entries.range(seq..).map(|(_, entry)| entry) {
            bytes += entry.size();
            if bytes > self.limits.message_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        entries
    }

    fn is_majority(&self, has: impl Fn(NodeId) -> bool) -> bool {
        match (&self.voters.new, self.rules.joint_majorities) {
            (Some(new), false) => Voters::new(0, new.iter().copied()).majority(has),
            _ => self.voters.majority(has),
        }
    }

    /// The epoch under which this node owns the bucket, or tries to.
    pub fn epoch(&self) -> Option<Epoch> {
        match &self.role {
            Role::Replica => None,
            Role::Candidate(candidate) => Some(candidate.epoch),
            Role::Owner(owner) => Some(owner.epoch),
        }
    }

    /// The epoch that this node serves under, if it owns the bucket and takes commands.
    pub fn serving(&self) -> Option<Epoch> {
        match &self.role {
            Role::Owner(owner) if owner.is_serving => Some(owner.epoch),
            _ => None,
        }
    }

    /// Whether a tick would do something: a request got no answer, or a replica was not told what is
    /// committed. While it is false, the bucket costs nothing.
    pub fn wants_tick(&self) -> bool {
        match &self.role {
            Role::Replica => false,
            Role::Candidate(_) => true,
            Role::Owner(owner) => owner.peers.values().any(|peer| self.is_late(owner, peer)),
        }
    }

    /// The layout under which this node, as the owner, has committed an entry: a stage of a change that
    /// may end.
    pub fn settled(&self) -> Option<u64> {
        match &self.role {
            Role::Owner(_) if !self.rules.stages_committed => Some(self.voters.layout),
            Role::Owner(owner) => owner.settled,
            _ => None,
        }
    }

    /// What is on disk, or will be once all that was asked for is done.
    pub fn log(&self) -> &Durable<P> {
        &self.log
    }

    /// The entry `seq`, if it is in the log.
    pub fn entry(&self, seq: u64) -> Option<&Entry<P>> {
        self.log.entries.get(&seq)
    }

    /// Whose acknowledgements count.
    pub fn voters(&self) -> &Voters {
        &self.voters
    }

    /// To whom a request is under way, or would be after a tick.
    #[cfg(any(test, feature = "model"))]
    fn outstanding(&self) -> Vec<NodeId> {
        match &self.role {
            Role::Replica => Vec::new(),
            Role::Candidate(candidate) => candidate.asked.iter().copied().collect(),
            Role::Owner(owner) => {
                let late = |peer: &peer::Peer| peer.is_busy || self.is_late(owner, peer);
                let peers = owner.peers.iter().filter(|(_, peer)| late(peer));
                peers.map(|(node, _)| *node).collect()
            }
        }
    }

    /// Up to where `node`'s log is known to be this owner's: for a learner, how far it is.
    pub fn matched(&self, node: NodeId) -> Option<u64> {
        match &self.role {
            Role::Owner(owner) => owner.peers.get(&node).map(|peer| peer.matched),
            _ => None,
        }
    }
}

/// Whether `entries` follow `prev` and each other.
fn chain<P>(prev: Position, entries: &[Entry<P>]) -> bool {
    let mut prev = prev;
    entries.iter().all(|entry| {
        let follows = entry.prev == prev
            && Some(entry.position.seq) == prev.seq.checked_add(1)
            && entry.position.epoch >= prev.epoch;
        prev = entry.position;
        follows
    })
}
