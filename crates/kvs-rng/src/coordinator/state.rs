//! What the ring can serve.

use super::Coordinator;

/// What can be served, as far as this node can tell by who seems to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RingState {
    /// Nothing: fewer than R nodes are up, or there is no layout.
    Unsatisfied,
    /// Reads only: fewer than W nodes are up.
    ReadOnly,
    /// Reads and writes.
    Effective,
}

impl Coordinator {
    /// What the ring can serve. It counts nodes, not the replicas of each bucket: in a ring of more
    /// than N nodes single buckets may be worse off.
    pub fn state(&self) -> RingState {
        let Some(layout) = self.layout() else { return RingState::Unsatisfied };
        let up = layout.members().keys().filter(|node| self.is_up(**node)).count();
        let quorum = layout.quorum();
        if up < usize::from(quorum.r) {
            RingState::Unsatisfied
        } else if up < usize::from(quorum.w) {
            RingState::ReadOnly
        } else {
            RingState::Effective
        }
    }
}
