//! Owning a bucket: replicating its log, committing, and telling so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use kvs_core::Outcome;

use super::lease::Lease;
use super::peer::Peer;
use super::{Action, Changes, Core, Message, Role};
use crate::identity::NodeId;
use crate::log::entry::{Entry, Epoch, Payload, Position};

/// A node that has the promises of a majority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) epoch: Epoch,
    /// The entry that ended the take-over; commands are taken once it is committed.
    first: u64,
    pub(super) is_serving: bool,
    /// This node's own log is on disk up to here.
    persisted: u64,
    pub(super) peers: BTreeMap<NodeId, Peer>,
    /// The latest read round, and whether it has gone out to anybody.
    pub(super) round: u64,
    round_is_out: bool,
    reads: VecDeque<Read>,
    pub(super) lease: Lease,
    pub(super) settled: Option<u64>,
}

/// A read that waits for a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Read {
    ticket: u64,
    round: u64,
    upto: u64,
}

/// A command, or some, on the way to being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    ticket: u64,
    first: Position,
    last: Position,
}

impl Owner {
    /// The owner `me` under `epoch`, whose own first entry is `first`. `held` says up to where another
    /// replica's log is the same, as far as it has said; the others are supposed to lack nothing before
    /// `first`.
    pub(super) fn new(
        epoch: Epoch,
        first: u64,
        me: NodeId,
        replicas: BTreeSet<NodeId>,
        held: impl Fn(NodeId) -> Option<u64>,
    ) -> Self {
        let others = replicas.into_iter().filter(|node| *node != me);
        let peer = |node| Peer::new(held(node).unwrap_or(first.saturating_sub(1)));
        Self {
            epoch,
            first,
            is_serving: false,
            persisted: 0,
            peers: others.map(|node| (node, peer(node))).collect(),
            round: 0,
            round_is_out: true,
            reads: VecDeque::new(),
            lease: Lease::default(),
            settled: None,
        }
    }

    /// This node's own log is on disk up to `seq`.
    pub(super) fn persisted(&mut self, seq: u64) {
        self.persisted = self.persisted.max(seq);
    }
}

impl<P: Payload> Core<P> {
    pub(super) fn on_submit(
        &mut self,
        ticket: u64,
        payloads: Vec<P>,
        actions: &mut Vec<Action<P>>,
    ) {
        let epoch = self.serving();
        let has_room = self.uncommitted <= self.limits.uncommitted_bytes;
        let (Some(epoch), true, false) = (epoch, has_room, payloads.is_empty()) else {
            actions.push(Action::Lost { ticket, outcome: Outcome::NotApplied });
            return;
        };
        let mut append = Vec::with_capacity(payloads.len());
        let mut prev = self.log.tail();
        let before = prev;
        for payload in payloads {
            let position = Position::new(epoch, prev.seq.saturating_add(1));
            append.push(Entry {
                layout: self.voters.layout,
                position,
                prev,
                payload: Some(payload),
            });
            prev = position;
        }
        let first = Position::new(epoch, before.seq.saturating_add(1));
        self.tickets.push_back(Ticket { ticket, first, last: prev });
        self.persist(Changes { append, ..Changes::default() }, actions);
        self.count_own_when_persisted(epoch, actions);
        self.send_all(actions);
    }

    pub(super) fn on_confirm(&mut self, ticket: u64, upto: u64, actions: &mut Vec<Action<P>>) {
        let commit = self.log.commit;
        let limit = self.limits.reads;
        let Role::Owner(owner) = &mut self.role else {
            actions.push(Action::Lost { ticket, outcome: Outcome::NotApplied });
            return;
        };
        if !owner.is_serving || owner.reads.len() >= limit {
            actions.push(Action::Lost { ticket, outcome: Outcome::NotApplied });
            return;
        }
        if !self.rules.read_rounds {
            actions.push(Action::Confirmed { ticket, commit });
            return;
        }
        if self.has_lease(Duration::ZERO) {
            self.ask_lease(actions);
            // Round zero was confirmed by all, ever.
            return self.read(Read { ticket, round: 0, upto }, actions);
        }
        let Role::Owner(owner) = &mut self.role else { return };
        if owner.round_is_out {
            owner.round = owner.round.saturating_add(1);
            owner.round_is_out = false;
        }
        let round = owner.round;
        self.ask_lease(actions);
        self.send_all(actions);
        self.read(Read { ticket, round, upto }, actions);
    }

    fn read(&mut self, read: Read, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &mut self.role else { return };
        owner.reads.push_back(read);
        self.confirm_reads(actions);
    }

    /// Answers the reads whose round a majority has confirmed.
    fn confirm_reads(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &self.role else { return };
        if owner.reads.is_empty() {
            return;
        }
        let commit = self.log.commit;
        let mut rounds: Vec<u64> = owner.peers.values().map(|peer| peer.round).collect();
        rounds.push(owner.round);
        let confirmed = |round: u64| {
            self.is_majority(|node| {
                node == self.me || owner.peers.get(&node).is_some_and(|peer| peer.round >= round)
            })
        };
        rounds.retain(|round| confirmed(*round));
        let Some(round) = rounds.into_iter().max() else { return };
        let Role::Owner(owner) = &mut self.role else { return };
        owner.reads.retain(|read| {
            let is_done = read.round <= round && read.upto <= commit;
            if is_done {
                actions.push(Action::Confirmed { ticket: read.ticket, commit });
            }
            !is_done
        });
    }

    /// Reads that can't be confirmed any more.
    pub(super) fn drop_reads(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &mut self.role else { return };
        for Read { ticket, .. } in std::mem::take(&mut owner.reads) {
            actions.push(Action::Lost { ticket, outcome: Outcome::NotApplied });
        }
    }

    /// Commands that can't be followed any further.
    pub(super) fn drop_tickets(&mut self, actions: &mut Vec<Action<P>>) {
        let outcome = match self.rules.unknown_outcomes {
            true => Outcome::Unknown,
            false => Outcome::NotApplied,
        };
        for Ticket { ticket, .. } in std::mem::take(&mut self.tickets) {
            actions.push(Action::Lost { ticket, outcome });
        }
    }

    pub(super) fn on_appended(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        round: u64,
        upto: Position,
        actions: &mut Vec<Action<P>>,
    ) {
        let is_ours = upto.seq < self.log.floor.seq || self.log.holds(upto);
        let Some(peer) = self.peer(from, epoch) else { return };
        peer.answered();
        peer.round = peer.round.max(round);
        if is_ours {
            peer.holds(upto.seq);
        }
        self.progress(actions);
    }

    pub(super) fn on_mismatch(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        round: u64,
        tail: Position,
        commit: Position,
        actions: &mut Vec<Action<P>>,
    ) {
        let held = if self.log.holds(tail) { tail.seq } else { commit.seq };
        let Some(peer) = self.peer(from, epoch) else { return };
        peer.answered();
        peer.round = peer.round.max(round);
        peer.next = held.max(peer.matched).saturating_add(1);
        self.progress(actions);
    }

    pub(super) fn on_installed(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        position: Position,
        next: Option<u64>,
        actions: &mut Vec<Action<P>>,
    ) {
        let Some(peer) = self.peer(from, epoch) else { return };
        let Some((sent, page)) = peer.snapshot else { return };
        if sent != position {
            return;
        }
        match next {
            // Once more, or a late answer.
            Some(next) if next <= page && next != 0 => return,
            Some(0) => peer.snapshot = None,
            Some(next) => peer.snapshot = Some((position, next)),
            None => {
                peer.snapshot = None;
                peer.holds(position.seq);
            }
        }
        peer.answered();
        self.progress(actions);
    }

    /// The peer `from`, if this node is the owner under `epoch`.
    fn peer(&mut self, from: NodeId, epoch: Epoch) -> Option<&mut Peer> {
        match &mut self.role {
            Role::Owner(owner) if owner.epoch == epoch => owner.peers.get_mut(&from),
            _ => None,
        }
    }

    /// After an acknowledgement: commits, answers, trims, and sends what has come up.
    pub(super) fn progress(&mut self, actions: &mut Vec<Action<P>>) {
        self.advance_commit(actions);
        self.confirm_reads(actions);
        self.trim_spare(actions);
        self.send_all(actions);
    }

    /// Up to where `node`'s log is known to be the owner's.
    fn reached(&self, owner: &Owner, node: NodeId) -> u64 {
        if node != self.me {
            return owner.peers.get(&node).map_or(0, |peer| peer.matched);
        }
        if self.rules.persisted_self { owner.persisted } else { self.log.tail().seq }
    }

    /// Commits what a majority holds.
    fn advance_commit(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &self.role else { return };
        let epoch = owner.epoch;
        let least = if self.rules.own_entry_first { owner.first } else { 0 };
        let least = least.max(self.log.commit.saturating_add(1));
        let voters = self.voters.all();
        let best = voters
            .iter()
            .map(|node| self.reached(owner, *node).min(self.log.tail().seq))
            .filter(|seq| *seq >= least)
            .filter(|seq| self.is_majority(|node| self.reached(owner, node) >= *seq))
            .max();
        let Some(commit) = best else { return };
        let layout = self.entry(commit).map(|entry| entry.layout);
        let begins = !owner.is_serving && commit >= owner.first;
        self.persist(Changes { commit: Some(commit), ..Changes::default() }, actions);
        self.resolve(commit, actions);
        if let Role::Owner(owner) = &mut self.role {
            owner.settled = layout.filter(|_| commit >= owner.first).or(owner.settled);
        }
        if begins {
            self.begin_to_serve(actions);
        }
        debug_assert!(self.epoch() == Some(epoch));
    }

    pub(super) fn begin_to_serve(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &mut self.role else { return };
        owner.is_serving = true;
        actions.push(Action::Serving { epoch: owner.epoch });
    }

    /// Answers the commands whose places in the log are committed: by themselves, or by what a take-over
    /// has put in their places.
    fn resolve(&mut self, commit: u64, actions: &mut Vec<Action<P>>) {
        while let Some(front) = self.tickets.front().copied() {
            if front.last.seq > commit {
                return;
            }
            self.tickets.pop_front();
            let Ticket { ticket, first, last } = front;
            actions.push(if self.log.holds(last) {
                Action::Done { ticket, position: last }
            } else if self.log.holds(first) {
                Action::Lost { ticket, outcome: Outcome::Unknown }
            } else {
                Action::Lost { ticket, outcome: Outcome::NotApplied }
            });
        }
    }

    /// Trims what all replicas hold; and what is committed, if too much is held for one that lags behind.
    fn trim_spare(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &self.role else { return };
        let held = |peer: &Peer| match peer.snapshot {
            Some((position, _)) => position.seq,
            None => peer.matched,
        };
        let spare = owner.peers.values().map(held).min().unwrap_or(u64::MAX).min(self.log.commit);
        let upto = if self.bytes > self.limits.held_bytes { self.log.commit } else { spare };
        let count = upto.saturating_sub(self.log.floor.seq);
        if count >= self.limits.trim_entries || self.bytes >= self.limits.trim_bytes {
            self.trim(upto, actions);
        }
    }

    /// Trims up to `upto`, which is committed.
    pub(super) fn trim(&mut self, upto: u64, actions: &mut Vec<Action<P>>) {
        if upto <= self.log.floor.seq {
            return;
        }
        if let Some(position) = self.log.position(upto) {
            self.persist(Changes { trim: Some(position), ..Changes::default() }, actions);
        }
    }

    /// Sends to every replica what it needs, unless it has a request to answer.
    pub(super) fn send_all(&mut self, actions: &mut Vec<Action<P>>) {
        self.send_where(actions, |core, owner, peer| {
            let is_wanted = peer.next <= core.log.tail().seq || peer.round < owner.round;
            !peer.is_silent && (is_wanted || peer.snapshot.is_some())
        });
    }

    /// Also tells what is committed, to those who haven't heard it with anything else.
    pub(super) fn send_late(&mut self, actions: &mut Vec<Action<P>>) {
        self.send_where(actions, |core, owner, peer| core.is_late(owner, peer));
    }

    /// Whether a peer lacks something that no request under way brings it.
    pub(super) fn is_late(&self, owner: &Owner, peer: &Peer) -> bool {
        let (tail, commit) = (self.log.tail().seq, self.log.commit);
        !peer.is_busy && (peer.matched < tail || peer.told < commit || peer.round < owner.round)
    }

    fn send_where(
        &mut self,
        actions: &mut Vec<Action<P>>,
        wants: impl Fn(&Self, &Owner, &Peer) -> bool,
    ) {
        let Role::Owner(owner) = &self.role else { return };
        let wanting: Vec<NodeId> = owner
            .peers
            .iter()
            .filter(|(_, peer)| !peer.is_busy && wants(self, owner, peer))
            .map(|(node, _)| *node)
            .collect();
        for node in wanting {
            self.send(node, actions);
        }
    }

    /// Sends `to` the entries that are next, or a page of a snapshot if they are trimmed.
    fn send(&mut self, to: NodeId, actions: &mut Vec<Action<P>>) {
        let Role::Owner(owner) = &self.role else { return };
        let Some(peer) = owner.peers.get(&to) else { return };
        let (epoch, layout, round) = (owner.epoch, self.voters.layout, owner.round);
        let (commit, floor) = (self.log.commit, self.log.floor.seq);
        let prev = self.log.position(peer.next.saturating_sub(1));
        let committed = self.log.committed();
        let (message, snapshot) = match (peer.snapshot, prev) {
            (None, Some(prev)) => {
                let entries = self.page(peer.next);
                let append = Message::Append { epoch, layout, round, prev, entries, commit, floor };
                (Some(append), None)
            }
            (Some((position, page)), _) if page > 0 => (None, Some((position, page))),
            _ => (None, Some((committed, 0))),
        };
        actions.push(match (message, snapshot) {
            (Some(message), _) => Action::Send { to, message },
            (None, Some((position, page))) => Action::Page { to, epoch, layout, position, page },
            (None, None) => return,
        });
        let Role::Owner(owner) = &mut self.role else { return };
        let Some(peer) = owner.peers.get_mut(&to) else { return };
        peer.is_busy = true;
        peer.snapshot = snapshot;
        if snapshot.is_none() {
            peer.told = commit;
            owner.round_is_out = true;
        }
    }

    /// A request to `to` got no answer.
    pub(super) fn on_unanswered(&mut self, to: NodeId) {
        match &mut self.role {
            Role::Replica => {}
            Role::Candidate(candidate) => {
                candidate.asked.remove(&to);
            }
            Role::Owner(owner) => {
                if let Some(peer) = owner.peers.get_mut(&to) {
                    peer.is_busy = false;
                    peer.is_silent = true;
                    peer.told = 0;
                }
            }
        }
    }
}
