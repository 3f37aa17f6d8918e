//! What waits for the disk.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::{Action, Changes, Message};
use crate::identity::NodeId;
use crate::log::entry::Epoch;

/// Numbers the writes, and holds back what may only happen after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writes<P> {
    issued: u64,
    done: u64,
    waiting: VecDeque<(u64, Then<P>)>,
}

/// What happens once a write is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Then<P> {
    /// The answer goes out.
    Send(NodeId, Message<P>),
    /// This node's promise of the epoch, and its log up to `seq`, count.
    Own(Epoch, u64),
}

/// Only what lies ahead counts, not how many writes there have been: the model takes two states for one
/// if their hashes are the same.
impl<P: Hash> Hash for Writes<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.issued - self.done).hash(state);
        for (number, then) in &self.waiting {
            (number - self.done, then).hash(state);
        }
    }
}

impl<P> Default for Writes<P> {
    fn default() -> Self {
        Self { issued: 0, done: 0, waiting: VecDeque::new() }
    }
}

impl<P> Writes<P> {
    /// Wants `changes` on disk.
    pub(super) fn persist(&mut self, changes: Changes<P>, actions: &mut Vec<Action<P>>) {
        self.issued += 1;
        let sync =
            changes.promised.is_some() || changes.layout.is_some() || changes.doubt.is_some();
        actions.push(Action::Persist { number: self.issued, changes, sync });
    }

    /// Whether all is on disk.
    pub(super) fn is_idle(&self) -> bool {
        self.done == self.issued
    }

    /// `then` happens once all that was issued so far is on disk; something must be on its way.
    pub(super) fn after(&mut self, then: Then<P>) {
        self.waiting.push_back((self.issued, then));
    }

    /// All up to `upto` is on disk.
    pub(super) fn persisted(&mut self, upto: u64) {
        self.done = self.done.max(upto.min(self.issued));
    }

    /// What may happen now.
    pub(super) fn next(&mut self) -> Option<Then<P>> {
        let (number, _) = self.waiting.front()?;
        if *number > self.done {
            return None;
        }
        self.waiting.pop_front().map(|(_, then)| then)
    }
}
