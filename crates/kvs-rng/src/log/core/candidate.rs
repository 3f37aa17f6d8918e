//! Taking a bucket over: promises of a majority, the highest tail, one entry of one's own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Changes, Core, Message, Owner, Role, chain};
use crate::identity::NodeId;
use crate::log::entry::{Entry, Epoch, Payload, Position};

/// A take-over under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Candidate<P> {
    pub(super) epoch: Epoch,
    /// Who has promised what, this node among them once that is on disk.
    promises: BTreeMap<NodeId, Promise>,
    /// To whom a request is under way.
    pub(super) asked: BTreeSet<NodeId>,
    adopting: Option<Adopting<P>>,
}

/// What a voter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Promise {
    pub(super) tail: Position,
    pub(super) commit: Position,
    pub(super) doubted: bool,
}

/// The highest tail, which another node has, on its way here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Adopting<P> {
    holder: NodeId,
    tail: Position,
    /// The last committed entry here, from where the holder's log goes on.
    start: Position,
    entries: Vec<Entry<P>>,
    bytes: usize,
}

impl<P> Adopting<P> {
    /// The last entry that is here.
    fn end(&self) -> Position {
        self.entries.last().map_or(self.start, |entry| entry.position)
    }
}

impl<P: Payload> Core<P> {
    /// Begins to take the bucket over, under an epoch beyond all that were heard of. Tickets stay: the
    /// log that is adopted says what became of them.
    pub(super) fn take_over(&mut self, actions: &mut Vec<Action<P>>) {
        self.drop_reads(actions);
        if !self.voters.votes(self.me) || self.is_bound(self.me) {
            return self.deposed(None, actions);
        }
        let epoch = Epoch {
            counter: self.heard.max(self.log.promised).counter.saturating_add(1),
            node: self.me,
            incarnation: self.incarnation,
        };
        self.role = Role::Candidate(Candidate {
            epoch,
            promises: BTreeMap::new(),
            asked: BTreeSet::new(),
            adopting: None,
        });
        let layout = self.voters.layout;
        let changes = Changes {
            promised: Some(epoch),
            layout: (layout > self.log.layout).then_some(layout),
            ..Changes::default()
        };
        self.ask(actions);
        self.persist(changes, actions);
        self.count_own_when_persisted(epoch, actions);
    }

    /// Sends what is not under way: promises are asked for, or entries fetched.
    pub(super) fn ask(&mut self, actions: &mut Vec<Action<P>>) {
        let Role::Candidate(candidate) = &mut self.role else { return };
        let epoch = candidate.epoch;
        if let Some(adopting) = &candidate.adopting {
            if candidate.asked.insert(adopting.holder) {
                let message = Message::Fetch { epoch, after: adopting.end() };
                actions.push(Action::Send { to: adopting.holder, message });
            }
            return;
        }
        for to in self.voters.all() {
            let is_missing = to != self.me && !candidate.promises.contains_key(&to);
            if is_missing && candidate.asked.insert(to) {
                let message = Message::Prepare { epoch, layout: self.voters.layout };
                actions.push(Action::Send { to, message });
            }
        }
    }

    /// `from` has promised the epoch; or this node itself has, on disk.
    pub(super) fn on_promised(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        promise: Promise,
        actions: &mut Vec<Action<P>>,
    ) {
        let Role::Candidate(candidate) = &mut self.role else { return };
        if candidate.epoch != epoch || !self.voters.votes(from) {
            return;
        }
        candidate.asked.remove(&from);
        candidate.promises.insert(from, promise);
        let Role::Candidate(candidate) = &self.role else { return };
        if candidate.adopting.is_some() {
            return;
        }
        let promises = &candidate.promises;
        let is_enough = promises.contains_key(&self.me)
            && (self.is_majority(|node| promises.get(&node).is_some_and(|held| !held.doubted))
                || self.voters.all().iter().all(|node| promises.contains_key(node)));
        if !is_enough {
            return;
        }
        let rank = |tail: Position| match self.rules.epoch_before_length {
            true => (0, tail),
            false => (tail.seq, tail),
        };
        let own = self.log.tail();
        let mut best = (self.me, own);
        for (node, held) in promises {
            if self.rules.highest_tail && rank(held.tail) > rank(best.1) {
                best = (*node, held.tail);
            }
        }
        let (holder, tail) = best;
        if holder == self.me {
            return self.adopt(Vec::new(), actions);
        }
        let start = self.log.committed();
        let Role::Candidate(candidate) = &mut self.role else { return };
        let entries = Vec::new();
        candidate.adopting = Some(Adopting { holder, tail, start, entries, bytes: 0 });
        candidate.asked.remove(&holder);
        self.ask(actions);
    }

    /// `from` sends entries of the tail that is being adopted.
    pub(super) fn on_entries(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        after: Position,
        entries: Vec<Entry<P>>,
        actions: &mut Vec<Action<P>>,
    ) {
        let Role::Candidate(candidate) = &mut self.role else { return };
        let Some(adopting) = &mut candidate.adopting else { return };
        let is_next =
            candidate.epoch == epoch && adopting.holder == from && adopting.end() == after;
        if !is_next || entries.is_empty() || !chain(after, &entries) {
            return;
        }
        candidate.asked.remove(&from);
        adopting.bytes += entries.iter().map(Entry::size).sum::<usize>();
        adopting.entries.extend(entries);
        if adopting.end() == adopting.tail {
            let entries = std::mem::take(&mut adopting.entries);
            return self.adopt(entries, actions);
        }
        if adopting.bytes > self.limits.held_bytes || adopting.end().seq >= adopting.tail.seq {
            return self.fall_behind(from, actions);
        }
        self.ask(actions);
    }

    /// `from` has trimmed what was to be fetched.
    pub(super) fn on_gone(&mut self, from: NodeId, epoch: Epoch, actions: &mut Vec<Action<P>>) {
        let Role::Candidate(candidate) = &self.role else { return };
        let is_holder = candidate.adopting.as_ref().is_some_and(|it| it.holder == from);
        if candidate.epoch == epoch && is_holder {
            self.fall_behind(from, actions);
        }
    }

    fn fall_behind(&mut self, holder: NodeId, actions: &mut Vec<Action<P>>) {
        actions.push(Action::Behind { holder });
        self.deposed(None, actions);
    }

    /// Makes `entries`, which follow the last committed one, the end of this log, instead of what else
    /// follows there; none means that this log is the one. It is one write: a tail must never become
    /// lower than it was promised to be. Then it appends the entry that ends the take-over.
    fn adopt(&mut self, entries: Vec<Entry<P>>, actions: &mut Vec<Action<P>>) {
        let Role::Candidate(candidate) = &mut self.role else { return };
        let epoch = candidate.epoch;
        let promises = std::mem::take(&mut candidate.promises);
        let mut changes = Changes::default();
        let differs = entries.iter().position(|entry| !self.log.holds(entry.position));
        if let Some(index) = differs {
            let append: Vec<_> = entries.into_iter().skip(index).collect();
            if let Some(first) = append.first() {
                let is_taken = self.log.position(first.position.seq).is_some();
                changes.cut_after = is_taken.then_some(first.position.seq.saturating_sub(1));
            }
            changes.append = append;
        }
        let tail = changes.append.last().map_or(self.log.tail(), |entry| entry.position);
        let first = Position::new(epoch, tail.seq.saturating_add(1));
        let layout = self.voters.layout;
        changes.append.push(Entry { layout, position: first, prev: tail, payload: None });
        // What this node may have lost, the others have just told.
        changes.doubt = self.log.doubt.map(|_| None);
        self.persist(changes, actions);
        let replicas = self.voters.replicas();
        self.role = Role::Owner(Owner::new(epoch, first.seq, self.me, replicas, |node| {
            let held = promises.get(&node)?;
            let shared = held.commit.seq.max(self.log.floor.seq.min(held.tail.seq));
            Some(if self.log.holds(held.tail) { held.tail.seq } else { shared })
        }));
        self.count_own_when_persisted(epoch, actions);
        if !self.rules.own_entry_first {
            self.begin_to_serve(actions);
        }
        self.send_all(actions);
    }
}
