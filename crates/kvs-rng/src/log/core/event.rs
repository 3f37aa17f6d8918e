//! What a core is told, and what it wants done.

use std::time::Duration;

use kvs_core::Outcome;

use super::{Changes, Message, Voters};
use crate::identity::NodeId;
use crate::log::entry::{Epoch, Position};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<P> {
    /// A message came.
    Message {
        /// From this node.
        from: NodeId,
        /// The message.
        message: Message<P>,
    },
    /// A request to this node got no answer; it is repeated at the next tick. Must be told, or an owner
    /// waits for the answer for good.
    Unanswered {
        /// To whom it went.
        to: NodeId,
    },
    /// This node is to own the bucket. At an owner: under a new epoch.
    TakeOver,
    /// Append these, in order. Answered by `Done` or `Lost`.
    Submit {
        /// Names the answer.
        ticket: u64,
        /// At least one.
        payloads: Vec<P>,
    },
    /// Find out whether this node still owns the bucket. Answered by `Confirmed` or `Lost`.
    Confirm {
        /// Names the answer.
        ticket: u64,
        /// The answer comes after this entry is committed, too; 0 if that doesn't matter.
        upto: u64,
    },
    /// The changes of all `Persist`s up to this number are on disk, as safe as they were to be.
    Persisted {
        /// The highest such number.
        upto: u64,
    },
    /// Stop owning the bucket, or trying to.
    StepDown,
    /// Some time has passed; see [`Core::wants_tick`](super::Core::wants_tick).
    Tick,
    /// Too much is held on this node: trim all that is committed, whoever may need it still.
    Trim,
    /// The layout has changed.
    Voters(Voters),
    /// What this node has acknowledged may be gone from its disk: it lost power, and did not sync each
    /// write; or what another one had, whose place it takes. Told once, first of all after the start.
    Doubt,
    /// No other replica holds anything of this log, as all of them said after the doubt came up.
    NothingLost,
    /// It is this time, by a clock that never goes back. Only leases need to know.
    Time(Duration),
}

/// Something to be done. Actions are to be carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action<P> {
    /// Send it; that it may get lost is expected.
    Send {
        /// To this node.
        to: NodeId,
        /// The message.
        message: Message<P>,
    },
    /// Write it to disk, all or nothing, in the order of the numbers, and then tell `Persisted`.
    Persist {
        /// Counts from 1.
        number: u64,
        /// What is to be written.
        changes: Changes<P>,
        /// Sync to disk before `Persisted`, whatever the durability of writes is: it has a promise.
        sync: bool,
    },
    /// Read the page of the bucket's rows as of `position`, and send it with `Message::Install`. Page 0
    /// is asked for when `position` is the last committed: that is when a snapshot is to be taken,
    /// between the `Persist`s before and after. Its end is when another position is asked for, or none
    /// for a while.
    Page {
        /// To this node.
        to: NodeId,
        /// For the message.
        epoch: Epoch,
        /// For the message.
        layout: u64,
        /// The rows as of here.
        position: Position,
        /// Which page, from 0.
        page: u64,
    },
    /// The node owns the bucket: commands may be submitted, on top of the rows as of the log's tail. Comes
    /// again, under another epoch, after another take-over of the same owner, between which and this it
    /// takes nothing; entries that weren't committed may then be gone, and their tickets are answered.
    Serving {
        /// Since when.
        epoch: Epoch,
    },
    /// The node owns the bucket no longer, or has given up to try. Follows `Serving` or `TakeOver`.
    Deposed {
        /// The epoch that it was refused for, if it was.
        by: Option<Epoch>,
    },
    /// A take-over was given up: this node has missed what is trimmed elsewhere. `holder` can own the
    /// bucket, and will then bring this node up to date. Comes before `Deposed`.
    Behind {
        /// Who has it.
        holder: NodeId,
    },
    /// Another node knows a newer layout. Comes before `Deposed`, if that follows.
    Outdated {
        /// Its version.
        layout: u64,
    },
    /// What was submitted is committed.
    Done {
        /// The event's.
        ticket: u64,
        /// Of the last entry.
        position: Position,
    },
    /// What was submitted can't be followed any further, or what was read can't be confirmed.
    Lost {
        /// The event's.
        ticket: u64,
        /// `NotApplied` only if no part of it is ever committed; always so for `Confirm`.
        outcome: Outcome,
    },
    /// When the event came, this node owned the bucket: a read of the state as of `commit`, or later,
    /// sees all that was answered before the event.
    Confirmed {
        /// The event's.
        ticket: u64,
        /// The last committed entry.
        commit: u64,
    },
}
