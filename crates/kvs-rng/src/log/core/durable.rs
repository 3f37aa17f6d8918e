//! What a core has on disk, and how that changes.

use std::collections::BTreeMap;

use crate::log::entry::{Entry, Epoch, Position};

/// What a core has on disk. The bucket's rows are those as of `commit`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Durable<P> {
    /// The highest epoch that was promised or accepted: no lower one is accepted any more.
    pub promised: Epoch,
    /// The highest layout under which anything was promised or accepted.
    pub layout: u64,
    /// What was acknowledged under epochs up to this one may have been lost.
    pub doubt: Option<Epoch>,
    /// The last entry that was trimmed. It was committed, and its effects are in the rows.
    pub floor: Position,
    /// The entries after `floor`, without gaps.
    pub entries: BTreeMap<u64, Entry<P>>,
    /// All entries up to this one are committed; at least `floor.seq`.
    pub commit: u64,
}

impl<P> Default for Durable<P> {
    fn default() -> Self {
        Self {
            promised: Epoch::none(),
            layout: 0,
            doubt: None,
            floor: Position::start(),
            entries: BTreeMap::new(),
            commit: 0,
        }
    }
}

/// One atomic change of a [`Durable`]: the fields are applied from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Changes<P> {
    /// The new `promised`.
    pub promised: Option<Epoch>,
    /// The new `layout`.
    pub layout: Option<u64>,
    /// The new `doubt`.
    pub doubt: Option<Option<Epoch>>,
    /// A page of rows that came with the message that led here: to be kept aside, or put in place.
    pub install: Option<Install>,
    /// Entries after this one are removed. They were never committed.
    pub cut_after: Option<u64>,
    /// Entries at the end of the log.
    pub append: Vec<Entry<P>>,
    /// The new `commit`: the writes of the entries up to it go into the rows, in order.
    pub commit: Option<u64>,
    /// The new `floor`: entries up to it are removed. They are committed.
    pub trim: Option<Position>,
}

/// What happens to a page of a snapshot's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Install {
    /// The rows are those after this entry.
    pub position: Position,
    /// Page 0 begins anew: rows kept aside from an earlier try are removed.
    pub page: u64,
    /// All pages are there: the bucket's rows are replaced by those kept aside and this page, the log's
    /// entries are removed, and `floor` and `commit` become `position`; all of it at once.
    pub last: bool,
}

impl<P> Default for Changes<P> {
    fn default() -> Self {
        Self {
            promised: None,
            layout: None,
            doubt: None,
            install: None,
            cut_after: None,
            append: Vec::new(),
            commit: None,
            trim: None,
        }
    }
}

impl<P> Changes<P> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.promised.is_none()
            && self.layout.is_none()
            && self.doubt.is_none()
            && self.install.is_none()
            && self.cut_after.is_none()
            && self.append.is_empty()
            && self.commit.is_none()
            && self.trim.is_none()
    }
}

impl<P: Clone> Durable<P> {
    /// Makes `changes`, as a disk has to.
    pub fn apply(&mut self, changes: &Changes<P>) {
        if let Some(epoch) = changes.promised {
            self.promised = epoch;
        }
        if let Some(layout) = changes.layout {
            self.layout = layout;
        }
        if let Some(doubt) = changes.doubt {
            self.doubt = doubt;
        }
        if let Some(Install { position, last: true, .. }) = changes.install {
            self.entries.clear();
            self.floor = position;
            self.commit = position.seq;
        }
        if let Some(seq) = changes.cut_after {
            self.entries.split_off(&seq.saturating_add(1));
        }
        for entry in &changes.append {
            self.entries.insert(entry.position.seq, entry.clone());
        }
        if let Some(commit) = changes.commit {
            self.commit = commit;
        }
        if let Some(floor) = changes.trim {
            self.entries = self.entries.split_off(&floor.seq.saturating_add(1));
            self.floor = floor;
        }
    }

    /// Whether it never held an entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.floor == Position::start() && self.commit == 0
    }

    /// The position of the last entry.
    pub fn tail(&self) -> Position {
        self.entries.last_key_value().map_or(self.floor, |(_, entry)| entry.position)
    }

    /// The position of the entry `seq`, if it is held or is the last one trimmed.
    pub fn position(&self, seq: u64) -> Option<Position> {
        if seq == self.floor.seq {
            return Some(self.floor);
        }
        self.entries.get(&seq).map(|entry| entry.position)
    }

    /// Whether the log holds the entry of `position`, or held it before it was trimmed.
    pub fn holds(&self, position: Position) -> bool {
        self.position(position.seq) == Some(position)
    }

    /// The position of the last entry known to be committed.
    pub fn committed(&self) -> Position {
        self.position(self.commit).unwrap_or(self.floor)
    }
}
