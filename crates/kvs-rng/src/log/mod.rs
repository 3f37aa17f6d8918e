//! The log of a bucket: one order of writes, by one owner at a time.
//!
//! The rows of [entities](kvs_core::entity) are not written like other rows. All commands of a bucket's
//! entities go through one log, which the bucket's N replicas hold, and which one of them, the *owner*,
//! appends to. An entry is *committed* once a majority of the replicas has it on disk; rows show what is
//! committed, and nothing else.
//!
//! Safety never depends on who is thought to be up, nor on clocks. Any replica may try to own the bucket
//! at any time and for any reason; the protocol sees to it that of two owners at most one gets anything
//! committed, and that the later one goes on from all that the earlier one has.
//!
//! # The protocol
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
//! **Snapshots.** What all replicas hold is trimmed. One that lags too far behind to be waited for gets
//! the bucket's rows instead, page by page beside its own, and takes them over in one write.
//!
//! **Changes of the replica set** go in stages, which the layout agrees on: see
//! [`Voters`](core::Voters).
//!
//! # Where it comes from
//! Promises, and that a later owner must go on from the highest tail of a majority, are Paxos (Lamport,
//! *The Part-Time Parliament*, 1998) for a whole log at once. That any replica may own it, and fetches
//! what it lacks while it takes over, is Viewstamped Replication (Liskov and Cowling, 2012); `prev`, the
//! commit index, the entry that begins an epoch and joint majorities are Raft (Ongaro, *Consensus:
//! Bridging Theory and Practice*, 2014), and so is the argument that it is safe, which
//! `docs/CONSISTENCY.md` gives.
//!
//! # The parts
//! - [`entry`]: epochs, positions, entries.
//! - [`core`]: the protocol, without disk, network or time.

pub mod core;
pub mod entry;

pub use entry::{Command, Entry, Epoch, Payload, Position};
