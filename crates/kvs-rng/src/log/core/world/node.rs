//! One node: a core, and what is on its disk.

use std::collections::VecDeque;

use crate::identity::Incarnation;
use crate::log::core::{Changes, Core, Durable};
use crate::log::entry::Position;

use super::Value;

/// A disk: the log, and for the rows the entries that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) log: Durable<Value>,
    pub(super) rows: Vec<Position>,
}

impl Disk {
    /// Makes `changes`; `snapshot` is what the rows beside them hold.
    pub(super) fn apply(&mut self, changes: &Changes<Value>, snapshot: Option<&Vec<Position>>) {
        self.apply_but_trim(changes, snapshot);
        self.log.apply(&Changes { trim: changes.trim, ..Changes::default() });
    }

    /// All of it but the trimming: what is committed can be looked at once more.
    pub(super) fn apply_but_trim(
        &mut self,
        changes: &Changes<Value>,
        snapshot: Option<&Vec<Position>>,
    ) {
        let before = self.log.commit;
        if changes.install.is_some_and(|install| install.last) {
            self.rows = snapshot.cloned().unwrap_or_default();
        }
        let mut trimmed = changes.clone();
        trimmed.trim = None;
        self.log.apply(&trimmed);
        let from = before.max(self.log.floor.seq).saturating_add(1);
        if from <= self.log.commit {
            let committed = self.log.entries.range(from..=self.log.commit);
            self.rows.extend(committed.map(|(_, entry)| entry.position));
        }
    }
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its core.
    pub core: Core<Value>,
    pub(super) incarnation: Incarnation,
    /// As the core sees it: with what is still to be written.
    pub(super) view: Disk,
    /// What survives a crash of the process.
    pub(super) disk: Disk,
    /// What survives a loss of power.
    pub(super) synced: Disk,
    /// Not on disk yet.
    pub(super) unwritten: VecDeque<(u64, Changes<Value>, bool)>,
    /// Which of the stages it knows.
    pub(super) stage: usize,
    /// It has lost power, and what that means is not on its disk yet.
    pub(super) is_unclean: bool,
    /// It has no disk any more, and does nothing.
    pub(super) is_gone: bool,
}

impl Node {
    /// The entries that made its rows, as its readers see them.
    pub fn rows(&self) -> &[Position] {
        &self.view.rows
    }
}
