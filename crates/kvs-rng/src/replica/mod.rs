//! Replicas: what one node holds.
//!
//! A [`Replica`] keeps the [`Versions`](crate::version::Versions) of every key that the layout gives
//! to this node, bucket by bucket. It answers for itself alone: how many replicas a write needs, and
//! whom a read asks, is for those above.
//!
//! # Minting
//! A client's write becomes a version here: the replica reads what it holds of the key, gives the
//! write a [`Dot`](crate::version::Dot), and stores the result before anybody is told. It is visible
//! then; whether it survives the loss of power is [another question](Replica::synced), whose answer a
//! minter need not await before it tells the other replicas. No dot may
//! ever be given twice, also not after a crash, so the node's counter is *reserved* in blocks: the
//! end of a block is synced to disk before its first dot is given, and a node that starts goes on
//! behind the end of its last block. A block costs one sync and lasts for 65,536 writes; what was
//! left of it at a crash stays a gap, which harms nobody.
//!
//! # Digests
//! To find out whether two replicas of a bucket hold the same, they compare 256 numbers instead of
//! all keys: the [`Leaves`] of the bucket. A key belongs to the leaf that a byte of its hash names,
//! and a leaf is the wrapping sum of the digests of its keys' versions, so a write takes one digest
//! out and puts one in, whatever else the bucket holds. (The idea of hash trees, Merkle 1987, with
//! one level and sums, which need no order: *incremental hashing*, Bellare and Micciancio 1997.) A
//! sum finds differences by accident, not by malice: nodes trust each other.
//!
//! ```text
//! put "cart"             bucket 835                        one atomic write
//!                ┌─ row  … "cart" → versions ─────────┐    row    ← new versions
//!  leaf 0x5c  ◀──┤  row  … "card" → versions          │    leaf   ← leaf − digest(old)
//!   = Σ digests  └─ row  … "care" → versions ─────────┘                + digest(new)
//! ```
//!
//! # What is stored
//! | key | value |
//! |---|---|
//! | `Replica`, bucket (`u32`, big-endian), stored key of the row | versions |
//! | `Digest`, bucket, leaf (one byte) | version `0x01`, sum (`u64`, big-endian) |
//! | `Meta` `replica/counter` | version `0x01`, end of the last reserved block (`u64`) |
//! | `Meta` `replica/running` | version `0x01`, flags, boot id; there while the node runs |
//!
//! A row and its leaf change in one atomic write and so never disagree.
//!
//! # After an unclean start
//! With a durability other than `Always` a node that lost power may have forgotten writes that it had
//! acknowledged. Then it must not answer for them: "not found" would be a lie, and a write minted over
//! the gap would replace what it can't see. Such a replica is *recovering*
//! ([`Condition::Recovering`]): it stores what others send, and neither mints nor reads in a bucket
//! until somebody has repaired that bucket from the others and said so. A process that was killed
//! loses nothing, for the operating system has its writes; the boot id tells the two apart.
//!
//! A node that takes the place of another, whose disk is lost, has forgotten everything that this one
//! acknowledged. It is recovering in the same way, from [`Replica::begin_with_nothing`] on.
//!
//! With `Always` it has what it acknowledged. But others may have acknowledged what it minted and lost
//! before its own sync was done, and its next write would seem to replace that too, for a context says
//! only up to which count it has seen a node's writes. Such a replica is *catching up*
//! ([`Condition::CatchingUp`]): it mints in a bucket only when that is repaired, and does all else.
//!
//! ```
//! use std::sync::Arc;
//!
//! use kvs_core::{Store, env::Env};
//! use kvs_rng::hash::Bucket;
//! use kvs_rng::identity::NodeId;
//! use kvs_rng::replica::{Replica, Write, boot_id};
//! use kvs_rng::version::{AHEAD_MAX, HybridClock};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let env = Env::system();
//! let clock = || Arc::new(HybridClock::new(&env, AHEAD_MAX));
//! let (a, b) = (Store::memory(), Store::memory());
//! let a = Replica::open(&a, NodeId::new(&env), clock(), boot_id(), true).await?;
//! let b = Replica::open(&b, NodeId::new(&env), clock(), boot_id(), true).await?;
//!
//! // One replica takes the write, the other gets what came of it.
//! let bucket = Bucket(835);
//! let items = a.mint(bucket, b"cart", vec![Write::put("", "milk")]).await?;
//! assert_ne!(a.digests(bucket).await?, b.digests(bucket).await?);
//! assert!(b.store(bucket, items).await?);
//! assert_eq!(a.digests(bucket).await?, b.digests(bucket).await?);
//!
//! let versions = b.get(bucket, &"cart".into()).await?;
//! assert_eq!(versions.siblings()[0].value.as_deref(), Some(&b"milk"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # What is not handled here
//! That a key belongs to the bucket it is given with, and the bucket to this node, is for the caller
//! to check. Tombstones and expired values are kept.

mod buckets;
mod dots;
mod error;
mod handle;
mod hold;
mod item;
mod leaves;
mod reading;
mod rows;
mod settling;
mod start;
#[cfg(test)]
pub(crate) mod tests;
mod witness;
mod writing;

pub use dots::DOTS_RESERVED;
pub use error::ReplicaError;
pub use handle::Replica;
pub use item::{Item, Write};
pub use leaves::{LEAVES, Leaves};
pub use reading::PAGE_BYTES_MAX;
pub use start::{Condition, boot_id};
pub use witness::LastWrite;
pub use writing::Stored;
