//! What no node knows: what was committed anywhere, what was answered, and whether that is right.

use std::collections::{BTreeMap, BTreeSet};

use kvs_core::Outcome;

use super::{Node, Value};
use crate::log::core::Durable;
use crate::log::entry::{Entry, Position};

/// What must always hold.
pub const PROPERTIES: [&str; 6] = [AGREEMENT, MATCHING, KEPT, DONE, NOT_APPLIED, READS];

const AGREEMENT: &str = "one value for each committed position, and the rows are those values";
const MATCHING: &str = "logs with an entry of the same position are the same up to there";
const KEPT: &str = "who begins to serve has all that was committed under epochs before";
const DONE: &str = "what is reported as done is committed";
const NOT_APPLIED: &str = "what is reported as not applied is never committed";
const READS: &str = "a confirmed read sees all that was done before it began";

/// What happened so far, and what of it was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// What was committed, by any node's account.
    pub committed: BTreeMap<u64, Entry<Value>>,
    /// The last entry that a command was told done for.
    pub done: u64,
    /// Reads were confirmed.
    pub confirmed: bool,
    /// Reads under way, and what was done before each.
    reads: BTreeMap<u64, u64>,
    /// Commands that were reported as not applied.
    dead: BTreeSet<Value>,
    /// The first of the [`PROPERTIES`] that did not hold.
    pub violation: Option<&'static str>,
}

impl History {
    fn must(&mut self, holds: bool, property: &'static str) {
        if !holds && self.violation.is_none() {
            self.violation = Some(property);
        }
    }

    /// Looks at the log of a node, which takes its beginning for committed.
    pub(super) fn learn(&mut self, log: &Durable<Value>) {
        for entry in log.entries.range(..=log.commit).map(|(_, entry)| entry) {
            let known = self.committed.entry(entry.position.seq).or_insert_with(|| entry.clone());
            let is_known = known == entry;
            self.must(is_known, AGREEMENT);
            let is_alive = entry.payload.is_none_or(|value| !self.dead.contains(&value));
            self.must(is_alive, NOT_APPLIED);
        }
    }

    /// Looks at the rows of `node`.
    pub(super) fn look(&mut self, node: &Node) {
        let log = node.core.log();
        let rows = node.rows();
        let is_whole = rows.len() as u64 == log.commit
            && rows.iter().zip(self.committed.values()).all(|(row, entry)| *row == entry.position);
        self.must(is_whole, AGREEMENT);
    }

    /// Compares the logs of two nodes.
    pub(super) fn compare(&mut self, one: &Node, other: &Node) {
        let theirs = &other.core.log().entries;
        let mut is_shared = false;
        let matches = one.core.log().entries.values().rev().all(|entry| {
            let Some(same) = theirs.get(&entry.position.seq) else { return true };
            is_shared |= same.position == entry.position;
            !is_shared || same == entry
        });
        self.must(matches, MATCHING);
    }

    /// `node` begins to serve. What is committed later, under epochs beyond its own, it need not have: it
    /// is an owner that doesn't know yet that it is none.
    pub(super) fn serves(&mut self, node: &Node) {
        let log = node.core.log();
        let own = node.core.epoch().unwrap_or_default();
        let mut before = self.committed.values().filter(|entry| entry.position.epoch <= own);
        let has_all =
            before.all(|entry| entry.position.seq < log.floor.seq || log.holds(entry.position));
        self.must(has_all, KEPT);
    }

    pub(super) fn done(&mut self, ticket: u64, position: Position) {
        let entry = self.committed.get(&position.seq);
        let is_there = entry.is_some_and(|entry| {
            let value = entry.payload.map(|value| u64::from(value.0));
            entry.position == position && value == Some(ticket)
        });
        self.must(is_there, DONE);
        self.done = self.done.max(position.seq);
    }

    pub(super) fn lost(&mut self, ticket: u64, outcome: Outcome) {
        let is_read = self.reads.remove(&ticket).is_some();
        if is_read || outcome != Outcome::NotApplied {
            return;
        }
        let value = Value(u8::try_from(ticket).unwrap_or(u8::MAX));
        let is_dead = self.committed.values().all(|entry| entry.payload != Some(value));
        self.must(is_dead, NOT_APPLIED);
        self.dead.insert(value);
    }

    pub(super) fn reads(&mut self, ticket: u64) {
        self.reads.insert(ticket, self.done);
    }

    pub(super) fn confirmed(&mut self, ticket: u64, commit: u64) {
        let before = self.reads.remove(&ticket).unwrap_or(0);
        self.must(commit >= before, READS);
        self.confirmed = true;
    }
}
