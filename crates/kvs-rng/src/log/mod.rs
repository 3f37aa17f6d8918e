//! Logs of buckets: the order of all commands on entities.
//!
//! An entity (a feed, a leaderboard, …) is a partition whose commands run one after another, at one node
//! at a time: its *owner*. All entities of a bucket have one owner and one log. A command runs at the
//! owner, on the rows as the log leaves them; what it wrote becomes an entry, and is *committed* once a
//! majority of the bucket's replicas has the entry on disk. The rows follow the log, up to what is
//! committed, on every replica.
//!
//! ```text
//!  command ─▶ Entities ─▶ turn ─▶ scope: rows + overlay ─▶ submit
//!                                                            │ the turn ends: the next command runs on top
//!                                 ┌──────────────────────────▼─────────────┐
//!    other nodes ◀── outbox ◀─────┤ core: events in, actions out, no I/O   ├──▶ outcome
//!         │  requests shared by   └───▲──────────────────────────────────┬─┘
//!         └─── many buckets ──────────┘ messages            changes      │
//!                                     ▲                     one write,   ▼
//!                                     └──── persisted ◀──── one sync ── writer ─▶ entries, head, rows
//! ```
//!
//! # The protocol
//! It is in [`core`], a state machine without disk, network or time. Safety never depends on who is
//! thought to be up, nor on clocks: any replica may try to own the bucket at any time and for any reason.
//!
//! **Epochs.** Every ownership has an [`Epoch`], which no other has. A replica *promises* an epoch to
//! accept nothing of lower ones any more, and has the promise synced before it says so.
//!
//! **Take-over.** A node asks all voters to promise its epoch. Each that does tells the [`Position`] of
//! its last entry. With the promises of a majority the node adopts the highest tail: the one of the
//! highest epoch, and among those the longest. It then appends an entry without a command. Once that is
//! committed, so is all before it, and the node serves.
//!
//! **Replication.** The owner sends entries with the position of the one before them, `prev`. A replica
//! that holds `prev` appends them; what it held there of another history is cut off, for it was never
//! committed. Otherwise it says what it holds, and the owner goes back that far. At most one message is
//! under way to each replica, and what comes up meanwhile goes with the next: one round trip for a batch,
//! however many commands of however many entities it has.
//!
//! **Reads.** An owner that was cut off may not know yet that it is none. So before a read is answered, a
//! majority confirms the epoch in a round that began after the read; all reads that wait share a round.
//!
//! # Where it comes from
//! Promises, and that a later owner must go on from the highest tail of a majority, are Paxos (Lamport,
//! *The Part-Time Parliament*, 1998) for a whole log at once. That any replica may own it, and fetches
//! what it lacks while it takes over, is Viewstamped Replication (Liskov and Cowling, 2012); `prev`, the
//! commit index, the entry that begins an epoch and joint majorities are Raft (Ongaro, *Consensus:
//! Bridging Theory and Practice*, 2014), and so is the argument that it is safe, which
//! `docs/CONSISTENCY.md` gives.
//!
//! # Around it
//! - [`Entities`] is the way in: [`EntityStore`](kvs_core::EntityStore) over the logs. Commands pipeline:
//!   the next one of an entity sees what the one before it wrote before that is committed. If that is
//!   never committed then neither is what came after it: an entry is only behind the very entry it
//!   followed.
//! - [`Owners`] says whom to send a command to, and carries it there.
//! - Reads are commands without writes: at the owner, confirmed by a majority, in one round for all reads
//!   that wait. Those of a [`Session`](kvs_core::Session) may be answered by any replica that has what the
//!   session has seen (`view`).
//! - What a core wants on disk goes to one writer for all buckets; what waits meanwhile shares the next
//!   write and its sync. Promises are synced always, entries as the store's durability says.
//! - Messages for one node that wait at the same time share a request.
//! - A bucket is opened when it is first used. While nothing happens to it it has no task and sends
//!   nothing; a replica that was down hears what it missed at the next command, or when it is up again.
//!
//! # What is stored
//! | key | value |
//! |---|---|
//! | `Log` `0x01`, bucket (`u32`), seq (`u64`) | version `0x01`, entry |
//! | `Log` `0x02`, bucket | version `0x01`, head: promise, floor, commit, generation of the rows, … |
//! | `Entity`, bucket, generation (`u8`), stored key of the row | the row, in its envelope |
//! | `Meta` `log/lease` | version `0x01`, for how many ms leases are or were granted |
//! | `Meta` `log/losses` | version `0x02`, how often the node may have lost what it acknowledged, and whether it took the place of one whose disk is lost |
//!
//! One atomic write appends entries and applies the rows of those newly committed. Rows of entities are of
//! a kind of their own: hints, repair and plain writes of the [`replica`](crate::replica) don't reach
//! them.
//!
//! A replica that has missed more than the log still holds gets a *snapshot*: the bucket's rows, page by
//! page, laid down as the other of two generations, which becomes the one that counts in the write that
//! ends it.
//!
//! # Doubts
//! A node whose store doesn't sync each write, and that lost power, may have forgotten entries that it had
//! acknowledged. It is *in doubt*: it says so when it is asked for a promise, and counts for a take-over
//! only if all replicas take part, until it has heard from an owner that was chosen without it. A counter
//! of such losses, and a copy of it in each bucket's head, tells which buckets that is true of, however
//! late they are opened.
//!
//! A node that takes the place of one whose disk is lost holds nothing of what that one had acknowledged
//! and promised. It is in doubt about all its buckets, those without a head, too.
//!
//! Doubts of buckets that nobody uses don't stay: the node itself has such a bucket owned, or finds out
//! from the other replicas that there was nothing to lose ([`Logs::mending`]).
//!
//! # What is not handled here
//! Stages of a change of the replica set: the layout jumps from one table to the next, and the core takes
//! each bucket's row of it for the set of voters.

pub mod core;
pub mod entry;

pub use entry::{Entry, Epoch, Payload, Position};

mod actions;
mod bucket;
mod counters;
mod doubts;
mod driver;
mod entities;
mod error;
mod format;
mod held;
mod hold;
mod leases;
mod logs;
mod lost;
mod mending;
mod outbox;
mod overlay;
mod owners;
mod owning;
mod reach;
mod rows;
mod snapshot;
mod tail;
#[cfg(test)]
mod tests;
mod ticker;
mod together;
mod view;
mod writer;
mod writes;

pub use counters::LogCounters;
pub use entities::{COMMAND_TIMEOUT, COMMANDS_MAX, Entities, UNCOMMITTED_BYTES_MAX};
pub use held::HELD_BYTES_MAX;
pub use logs::{CALL, HOLDS, Logs, OWNS, REQUEST, SETTLE, Start};
pub use owners::{BODY_MAX, Owner, OwnerCallError, Owners, REGION_NAME_MAX, RegionHandler};
pub use writes::{WRITES_BYTES_MAX, Writes};
