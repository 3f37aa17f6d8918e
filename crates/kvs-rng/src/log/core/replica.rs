//! Answering an owner, or who wants to be it.

use super::candidate::Promise;
use super::{Action, Changes, Core, Install, Message, chain};
use crate::identity::NodeId;
use crate::log::entry::{Entry, Epoch, Payload, Position};

/// A snapshot that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Staging {
    epoch: Epoch,
    position: Position,
    next: u64,
}

/// The fields of [`Message::Append`] beside epoch and layout.
pub(super) struct Appending<P> {
    pub(super) round: u64,
    pub(super) prev: Position,
    pub(super) entries: Vec<Entry<P>>,
    pub(super) commit: u64,
    pub(super) floor: u64,
}

impl<P: Payload> Core<P> {
    /// Whether a request under `epoch` and `layout` is accepted; else it was refused. The changes are
    /// what accepting it means: a promise.
    pub(super) fn admit(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        layout: u64,
        actions: &mut Vec<Action<P>>,
    ) -> Option<Changes<P>> {
        let is_over = self.rules.promises && epoch < self.log.promised;
        let is_old = self.rules.newest_layout && layout < self.log.layout;
        if is_over || is_old {
            let (promised, layout) = (self.log.promised, self.log.layout);
            let message = Message::Refused { epoch, promised, layout };
            actions.push(Action::Send { to: from, message });
            return None;
        }
        self.heard = self.heard.max(epoch);
        if self.epoch().is_some_and(|own| own < epoch) {
            self.deposed(Some(epoch), actions);
        }
        Some(Changes {
            promised: (epoch > self.log.promised).then_some(epoch),
            layout: (layout > self.log.layout).then_some(layout),
            ..Changes::default()
        })
    }

    /// What this node tells of itself in a take-over.
    pub(super) fn promise(&self) -> Promise {
        Promise {
            tail: self.log.tail(),
            commit: self.log.committed(),
            doubted: self.log.doubt.is_some(),
        }
    }

    pub(super) fn on_prepare(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        layout: u64,
        actions: &mut Vec<Action<P>>,
    ) {
        if self.is_bound(from) {
            return self.refuse_leased(from, epoch, actions);
        }
        let Some(changes) = self.admit(from, epoch, layout, actions) else { return };
        self.persist(changes, actions);
        let Promise { tail, commit, doubted } = self.promise();
        let floor = self.log.floor;
        self.answer(from, Message::Promised { epoch, tail, commit, floor, doubted }, actions);
    }

    pub(super) fn on_append(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        layout: u64,
        append: Appending<P>,
        actions: &mut Vec<Action<P>>,
    ) {
        let Appending { round, prev, mut entries, commit, floor } = append;
        if !chain(prev, &entries) {
            return;
        }
        let Some(mut changes) = self.admit(from, epoch, layout, actions) else { return };
        let upto = entries.last().map_or(prev, |entry| entry.position);
        // What was trimmed was committed: the owner holds the same there.
        entries.retain(|entry| entry.position.seq > self.log.floor.seq);
        let prev = entries.first().map_or(upto, |entry| entry.prev);
        let knows_nothing = self.log.tail() == Position::start();
        if !self.rules.joiner_data && knows_nothing && prev != Position::start() {
            changes.trim = Some(prev);
            changes.commit = Some(prev.seq);
        } else if !self.matches(prev) {
            self.persist(changes, actions);
            let (tail, commit) = (self.log.tail(), self.log.committed());
            let message = Message::Mismatch { epoch, round, tail, commit };
            return self.answer(from, message, actions);
        }
        let is_new =
            |entry: &Entry<P>| self.log.position(entry.position.seq) != Some(entry.position);
        let index = entries.iter().position(is_new).unwrap_or(entries.len());
        changes.append = entries.split_off(index);
        if let Some(first) = changes.append.first() {
            let seq = first.position.seq;
            if seq <= self.log.commit {
                // What is committed never changes. An owner that says otherwise is none.
                return;
            }
            let is_taken = self.log.position(seq).is_some();
            changes.cut_after = is_taken.then_some(seq.saturating_sub(1));
        }
        let commit = if self.rules.told_commit { commit.min(upto.seq) } else { upto.seq };
        let commit = commit.max(changes.commit.unwrap_or(self.log.commit));
        if commit > self.log.commit {
            changes.commit = Some(commit);
        }
        if self.ends_doubt(upto, epoch) {
            changes.doubt = Some(None);
        }
        self.persist(changes, actions);
        self.trim(floor.min(commit), actions);
        self.answer(from, Message::Appended { epoch, round, upto }, actions);
    }

    /// Whether this node lacks nothing any more once it holds the owner's log up to `upto`. An entry of
    /// the owner's own epoch follows all that was committed before it was chosen, and it was chosen
    /// without this node; an older entry may be far from the end.
    fn ends_doubt(&self, upto: Position, owner: Epoch) -> bool {
        upto.epoch == owner && self.log.doubt.is_some_and(|doubt| owner > doubt)
    }

    /// Whether what follows `prev` at the owner may be put behind it here.
    fn matches(&self, prev: Position) -> bool {
        if prev.seq < self.log.floor.seq {
            return true;
        }
        match self.rules.matching_prev {
            true => self.log.holds(prev),
            false => self.log.position(prev.seq).is_some(),
        }
    }

    pub(super) fn on_fetch(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        after: Position,
        actions: &mut Vec<Action<P>>,
    ) {
        if epoch < self.log.promised {
            let (promised, layout) = (self.log.promised, self.log.layout);
            let message = Message::Refused { epoch, promised, layout };
            actions.push(Action::Send { to: from, message });
            return;
        }
        let message = match self.log.holds(after) {
            true => {
                Message::Entries { epoch, after, entries: self.page(after.seq.saturating_add(1)) }
            }
            false => Message::Gone { epoch, floor: self.log.floor },
        };
        self.answer(from, message, actions);
    }

    pub(super) fn on_install(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        layout: u64,
        install: Install,
        actions: &mut Vec<Action<P>>,
    ) {
        let Some(mut changes) = self.admit(from, epoch, layout, actions) else { return };
        let Install { position, page, last } = install;
        let installed = |next| Message::Installed { epoch, position, next };
        if self.log.commit >= position.seq || self.log.holds(position) {
            self.persist(changes, actions);
            return self.answer(from, installed(None), actions);
        }
        let begun = self.staging.filter(|it| (it.epoch, it.position) == (epoch, position));
        let expected = if page == 0 { 0 } else { begun.map_or(0, |it| it.next) };
        if page != expected {
            self.persist(changes, actions);
            return self.answer(from, installed(Some(expected)), actions);
        }
        changes.install = Some(install);
        if last && self.ends_doubt(position, epoch) {
            changes.doubt = Some(None);
        }
        let next = page.saturating_add(1);
        self.staging = (!last).then_some(Staging { epoch, position, next });
        self.persist(changes, actions);
        self.answer(from, installed((!last).then_some(next)), actions);
    }

    /// This node may have lost what it acknowledged. It begins an epoch of its own, in which nobody
    /// serves, so that what comes from the owners until now is refused; an entry of a later epoch comes
    /// from an owner that a majority of others has brought up to date. A node that took the place of
    /// another one knows none of the epochs until now. But it is sent nothing under those: an owner whose
    /// voters change begins a new one.
    pub(super) fn on_doubt(&mut self, actions: &mut Vec<Action<P>>) {
        if !self.rules.doubts {
            return;
        }
        let epoch = Epoch {
            counter: self.heard.max(self.log.promised).counter.saturating_add(1),
            node: self.me,
            incarnation: self.incarnation,
        };
        self.persist(
            Changes { promised: Some(epoch), doubt: Some(Some(epoch)), ..Changes::default() },
            actions,
        );
    }
    /// All other replicas have been asked, and none holds anything of this log: if this one neither does,
    /// nothing was ever committed.
    pub(super) fn on_nothing_lost(&mut self, actions: &mut Vec<Action<P>>) {
        if self.log.is_empty() && self.log.doubt.is_some() {
            self.persist(Changes { doubt: Some(None), ..Changes::default() }, actions);
        }
    }
}
