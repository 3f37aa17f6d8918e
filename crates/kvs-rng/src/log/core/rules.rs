//! The rules that make the protocol safe, each with a switch.

/// Which rules hold. In the product all of them do: there is no way to say otherwise without the
/// feature `model`, which is for the model, the simulation and tests. They show of each rule that
/// something goes wrong without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// A replica accepts nothing of an epoch below the one that it promised.
    pub promises: bool,
    /// A replica answers once what it answers is on disk.
    pub persisted_answers: bool,
    /// An owner counts itself once its own entries are on disk.
    pub persisted_self: bool,
    /// A take-over goes on from the highest tail of a majority, not from the node's own.
    pub highest_tail: bool,
    /// The highest tail is that of the highest epoch, not that of the longest log.
    pub epoch_before_length: bool,
    /// Before anything is answered under an epoch, an entry of that epoch is committed; older ones are
    /// only committed with it.
    pub own_entry_first: bool,
    /// An entry is appended only behind the very entry that it followed at the owner.
    pub matching_prev: bool,
    /// A replica takes for committed what the owner says is, not all that it holds.
    pub told_commit: bool,
    /// A read is answered after a majority has confirmed the epoch.
    pub read_rounds: bool,
    /// What was submitted to an owner that was deposed, or stepped down, is reported as unknown.
    pub unknown_outcomes: bool,
    /// While a replica set changes, majorities of both sets are needed.
    pub joint_majorities: bool,
    /// A replica refuses what comes under an older layout than it has accepted anything under.
    pub newest_layout: bool,
    /// A stage of a change ends after an entry was committed under it.
    pub stages_committed: bool,
    /// A joiner's acknowledgement says that it holds all that came before, too.
    pub joiner_data: bool,
    /// A replica that may have lost what it acknowledged votes in no take-over until it has caught up.
    pub doubts: bool,
    /// A replica that has granted a lease promises nothing to others until that has run out.
    pub leases: bool,
    /// A replica that is started anew keeps to leases that it may have granted before. Kept by whoever starts
    /// it; the core itself has forgotten.
    pub leases_outlast_starts: bool,
    /// A node that comes back with an empty disk is another node, and has no vote. Kept by whoever names
    /// nodes; the core itself can't see it.
    pub new_identity: bool,
}

impl Rules {
    /// All of them.
    pub const ALL: Self = Self {
        promises: true,
        persisted_answers: true,
        persisted_self: true,
        highest_tail: true,
        epoch_before_length: true,
        own_entry_first: true,
        matching_prev: true,
        told_commit: true,
        read_rounds: true,
        unknown_outcomes: true,
        joint_majorities: true,
        newest_layout: true,
        stages_committed: true,
        joiner_data: true,
        doubts: true,
        leases: true,
        leases_outlast_starts: true,
        new_identity: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}
