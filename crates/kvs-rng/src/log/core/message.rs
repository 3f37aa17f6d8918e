//! What cores say to each other.

use serde::{Deserialize, Serialize};

use crate::log::entry::{Entry, Epoch, Position};

/// A request or an answer between two cores of one bucket.
///
/// Each may be lost, late, repeated or overtaken by others. `layout` is that of the sender's
/// [`Voters`](super::Voters).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Message<P> {
    /// Wants to own the bucket. Answered by `Promised`, `Refused` or `Leased`.
    Prepare {
        /// Under which.
        epoch: Epoch,
        /// Which voters it asks.
        layout: u64,
    },
    /// Nothing of a lower epoch is accepted any more; and this is what is held.
    Promised {
        /// The epoch of the request.
        epoch: Epoch,
        /// The last entry.
        tail: Position,
        /// The last entry known to be committed.
        commit: Position,
        /// The last entry that was trimmed.
        floor: Position,
        /// What was held before may have been lost: counts only if every voter answers.
        doubted: bool,
    },
    /// The request came under an epoch or a layout that is over. Nothing was done.
    Refused {
        /// The epoch of the request.
        epoch: Epoch,
        /// The highest that was promised: its node is the present owner, or wants to be.
        promised: Epoch,
        /// The newest layout that was heard of.
        layout: u64,
    },
    /// The entries after `prev`, maybe none. Answered by `Appended`, `Mismatch` or `Refused`.
    Append {
        /// The owner's.
        epoch: Epoch,
        /// Which voters it counts.
        layout: u64,
        /// The latest read round; the answer repeats it.
        round: u64,
        /// The entry before the first of `entries`.
        prev: Position,
        /// In order, without gaps.
        entries: Vec<Entry<P>>,
        /// All up to here is committed.
        commit: u64,
        /// All up to here may be trimmed.
        floor: u64,
    },
    /// The log is the owner's up to `upto`, and on disk.
    Appended {
        /// The epoch of the request.
        epoch: Epoch,
        /// The round of the request.
        round: u64,
        /// The last entry of the request; or `prev`, if it had none.
        upto: Position,
    },
    /// `prev` isn't held. The epoch is accepted.
    Mismatch {
        /// The epoch of the request.
        epoch: Epoch,
        /// The round of the request.
        round: u64,
        /// The last entry held.
        tail: Position,
        /// The last entry known to be committed.
        commit: Position,
    },
    /// Wants the entries after `after`, to take the log over. Answered by `Entries`, `Gone` or `Refused`.
    Fetch {
        /// The epoch that was promised.
        epoch: Epoch,
        /// A committed entry, or one that `Entries` brought.
        after: Position,
    },
    /// The entries after `after`, from the first.
    Entries {
        /// The epoch of the request.
        epoch: Epoch,
        /// That of the request.
        after: Position,
        /// In order, without gaps.
        entries: Vec<Entry<P>>,
    },
    /// The entries wanted are trimmed.
    Gone {
        /// The epoch of the request.
        epoch: Epoch,
        /// The last entry that was trimmed.
        floor: Position,
    },
    /// A page of the bucket's rows as of `position`; the rows travel beside it. Answered by `Installed`
    /// or `Refused`.
    Install {
        /// The owner's.
        epoch: Epoch,
        /// Which voters it counts.
        layout: u64,
        /// A committed entry: the rows are those after it.
        position: Position,
        /// Counts from 0.
        page: u64,
        /// There are no more.
        last: bool,
    },
    /// What is there of the rows as of `position`.
    Installed {
        /// The epoch of the request.
        epoch: Epoch,
        /// That of the request.
        position: Position,
        /// The page that is wanted next; `None` once all is in place.
        next: Option<u64>,
    },
    /// Wants a lease. Answered by `Granted` or `Refused`.
    Lease {
        /// The owner's.
        epoch: Epoch,
        /// Which voters it counts.
        layout: u64,
        /// Counts the times that it asked.
        number: u64,
    },
    /// No other node is promised anything for a while.
    Granted {
        /// The epoch of the request.
        epoch: Epoch,
        /// The request's.
        number: u64,
        /// How long that is, from now on; zero: this node grants no leases.
        millis: u64,
    },
    /// Another answer to `Prepare`: nothing was promised, for the bucket is leased.
    Leased {
        /// The epoch of the request.
        epoch: Epoch,
        /// For how long it is, at most.
        millis: u64,
    },
}

impl<P> Message<P> {
    /// The epoch under which it was said; for an answer, that of the request.
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::Prepare { epoch, .. }
            | Self::Promised { epoch, .. }
            | Self::Refused { epoch, .. }
            | Self::Append { epoch, .. }
            | Self::Appended { epoch, .. }
            | Self::Mismatch { epoch, .. }
            | Self::Fetch { epoch, .. }
            | Self::Entries { epoch, .. }
            | Self::Gone { epoch, .. }
            | Self::Install { epoch, .. }
            | Self::Installed { epoch, .. }
            | Self::Lease { epoch, .. }
            | Self::Granted { epoch, .. }
            | Self::Leased { epoch, .. } => *epoch,
        }
    }

    /// Whether it is a request; else it is an answer to one.
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::Prepare { .. }
                | Self::Append { .. }
                | Self::Fetch { .. }
                | Self::Install { .. }
                | Self::Lease { .. }
        )
    }
}
