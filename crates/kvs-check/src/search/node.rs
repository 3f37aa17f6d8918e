//! A node of the search: what is placed, and the state after it.

use std::sync::Arc;

use super::calls::{Answered, Calls};
use crate::model::Model;

/// What is placed, and the state after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node<S> {
    /// The answered operations before this one, in the order of invocation, are placed.
    before: usize,
    /// Those placed after it, in the same order.
    ahead: Vec<usize>,
    /// How many of each kind of unknown operation are placed.
    used: Arc<Vec<usize>>,
    pub(crate) state: S,
}

impl<S> Node<S> {
    pub(crate) fn first<M: Model>(state: S, calls: &Calls<M>) -> Self {
        let used = Arc::new(vec![0; calls.kinds.len()]);
        Self { before: 0, ahead: Vec::new(), used, state }
    }

    /// Whether all answered operations are placed. (The unknown ones need not be.)
    pub(crate) fn is_last<M: Model>(&self, calls: &Calls<M>) -> bool {
        self.before >= calls.answered.len()
    }

    /// How many answered operations are placed.
    pub(crate) fn answered(&self) -> usize {
        self.before + self.ahead.len()
    }

    /// The answered operations that may come next, with their places: those that were invoked before
    /// any other that isn't placed had returned.
    pub(crate) fn candidates<'a, M: Model>(
        &'a self,
        calls: &'a Calls<M>,
    ) -> impl Iterator<Item = (usize, &'a Answered<M>)> {
        let until = self.until(calls);
        self.left(calls).take_while(move |(_, call)| call.invoked <= until)
    }

    /// When the first of the operations that aren't placed returned: what was invoked later has to
    /// come after it.
    fn until<M: Model>(&self, calls: &Calls<M>) -> u64 {
        let mut until = u64::MAX;
        for (_, call) in self.left(calls) {
            if call.invoked > until {
                break;
            }
            until = until.min(call.returned);
        }
        until
    }

    fn left<'a, M: Model>(
        &'a self,
        calls: &'a Calls<M>,
    ) -> impl Iterator<Item = (usize, &'a Answered<M>)> {
        let mut ahead = self.ahead.iter().copied().peekable();
        let left = calls.answered.iter().enumerate().skip(self.before);
        left.filter(move |(place, _)| ahead.next_if_eq(place).is_none())
    }

    /// How many of a kind of unknown operation are placed.
    pub(crate) fn used(&self, kind: usize) -> usize {
        self.used.get(kind).copied().unwrap_or(0)
    }

    /// The unknown operations that may come next, by kind.
    pub(crate) fn unknown<M: Model>(&self, calls: &Calls<M>) -> Vec<Unknown> {
        let until = self.until(calls);
        let kinds = calls.kinds.iter().zip(self.used.iter()).enumerate();
        let unknown = kinds.map(|(kind, (calls, &used))| {
            let invoked = calls.calls.partition_point(|(invoked, _)| *invoked <= until);
            Unknown { kind, left: invoked.saturating_sub(used) }
        });
        unknown.filter(|unknown| unknown.left > 0).collect()
    }

    /// The node after these kinds of unknown operations and this answered one.
    pub(crate) fn after(&self, kinds: &[usize], place: usize, state: S) -> Self {
        let mut used = self.used.clone();
        if !kinds.is_empty() {
            let used = Arc::make_mut(&mut used);
            for kind in kinds {
                if let Some(used) = used.get_mut(*kind) {
                    *used += 1;
                }
            }
        }
        let mut ahead = self.ahead.clone();
        let at = ahead.partition_point(|other| *other < place);
        ahead.insert(at, place);
        let run = ahead.iter().zip(self.before..).take_while(|(place, next)| *place == next);
        let run = run.count();
        ahead.drain(..run);
        Self { before: self.before + run, ahead, used, state }
    }
}

/// Unknown operations of one kind that may come next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown {
    pub(crate) kind: usize,
    /// How many of it may be.
    pub(crate) left: usize,
}
