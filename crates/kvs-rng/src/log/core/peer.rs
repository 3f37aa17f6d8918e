//! What an owner knows of another replica.

use crate::log::entry::Position;

/// What an owner knows of another replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// Its log is the owner's up to here, and on its disk.
    pub(super) matched: u64,
    /// The entry that it is sent next.
    pub(super) next: u64,
    /// A request is under way: all that comes up meanwhile goes with the next one.
    pub(super) is_busy: bool,
    /// It didn't answer: it is asked again at the next tick.
    pub(super) is_silent: bool,
    /// The latest read round that it has confirmed.
    pub(super) round: u64,
    /// What it was told of the commit index.
    pub(super) told: u64,
    /// The snapshot that it gets, and the page that is next.
    pub(super) snapshot: Option<(Position, u64)>,
}

impl Peer {
    /// A replica that is supposed to hold all up to `held`.
    pub(super) fn new(held: u64) -> Self {
        let next = held.saturating_add(1);
        Self {
            matched: 0,
            next,
            is_busy: false,
            is_silent: false,
            round: 0,
            told: 0,
            snapshot: None,
        }
    }

    /// It has answered.
    pub(super) fn answered(&mut self) {
        self.is_busy = false;
        self.is_silent = false;
    }

    /// It holds all up to `seq`.
    pub(super) fn holds(&mut self, seq: u64) {
        self.matched = self.matched.max(seq);
        self.next = self.next.max(self.matched.saturating_add(1));
    }
}
