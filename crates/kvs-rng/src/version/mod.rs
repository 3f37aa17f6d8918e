//! Versions: causality of writes, siblings, and how they are resolved.
//!
//! # The problem
//! Any replica takes writes at any time, also while it hears nothing of the others. Later they
//! compare what they hold of a key. If one write was made in sight of the other it *descends* from
//! it and replaces it. If neither was, the two are *concurrent*, and to drop one of them would lose a
//! write that was acknowledged. Clocks can't tell the two cases apart: they differ from node to node,
//! and the one with the fastest clock would always win. Causality can.
//!
//! # Dots and contexts
//! A replica that takes a write gives it a [`Dot`], its own id and its next count: a name that no
//! other write ever gets. What a replica has seen of a key is a [`VersionVector`], the highest count
//! of each node. A key's [`Versions`] are both together: the *siblings*, which are the writes that
//! nothing has replaced, each under its dot, and the *context*, the vector of everything seen. The
//! context also remembers what is gone: a dot that it covers and that is no sibling was replaced.
//!
//! So two states join without asking anybody. A sibling stays if both hold it, or if the one that
//! doesn't has never seen it:
//!
//! ```text
//!  replica A                               replica B
//!  {A/1 = milk}            ── sends ──▶    {A/1 = milk}
//!  {A/2 = eggs}  seen A≤2                  {B/1 = salt}  seen A≤1, B≤1
//!            └───────────────┬───────────────┘
//!            {A/2 = eggs, B/1 = salt}  seen A≤2, B≤1
//! ```
//!
//! Both wrote in sight of `A/1`, so `milk` is gone; neither saw the other, so both are kept. A delete
//! is a write too, of a *tombstone*: an old copy that turns up later is covered by the context and
//! changes nothing.
//!
//! ```
//! use std::time::Duration;
//!
//! use kvs_core::{Key, env::Env};
//! use kvs_rng::identity::NodeId;
//! use kvs_rng::version::{Dot, HybridClock, LastWriteWins, Resolver, Sibling, Versions};
//!
//! let (env, clock) = Env::manual(1_700_000_000_000, 1);
//! let stamps = HybridClock::new(&env, Duration::from_secs(60));
//! let (a, b) = (NodeId::new(&env), NodeId::new(&env));
//! let key = Key::from("cart");
//!
//! // Replica A takes a write and sends its state to replica B.
//! let mut at_a = Versions::default();
//! at_a.write(Sibling::new(Dot::new(a, 1), stamps.now(), "milk"), None)?;
//! let mut at_b = Versions::decode(&at_a.encode())?;
//!
//! // Then both take a write without hearing of each other.
//! at_a.write(Sibling::new(Dot::new(a, 2), stamps.now(), "eggs"), None)?;
//! clock.advance(Duration::from_secs(1));
//! at_b.write(Sibling::new(Dot::new(b, 1), stamps.now(), "salt"), None)?;
//!
//! // Joined, both are kept; which order they are joined in doesn't matter.
//! at_a.join(at_b.clone());
//! at_b.join(at_a.clone());
//! assert_eq!(at_a, at_b);
//! assert_eq!(at_a.siblings().len(), 2);
//!
//! // A reader may have one answer ...
//! let now_ms = env.clock.now_ms();
//! let answer = LastWriteWins.resolve(&key, at_a.siblings(), now_ms);
//! assert_eq!(answer.value(), Some(&b"salt"[..]));
//!
//! // ... or all of them, and write its own in their place.
//! let read = at_b.into_read(&key, now_ms);
//! assert_eq!(read.values.len(), 2);
//! let seen = read.token.seen(&key)?;
//! at_a.write(Sibling::new(Dot::new(a, 3), stamps.now(), "eggs, salt"), Some(&seen))?;
//! assert_eq!(at_a.siblings().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Resolving
//! A read joins the states of several replicas and lets a [`Resolver`] give one answer:
//! [`LastWriteWins`] by the [`Timestamp`]s of a [`HybridClock`], or [`Merge`] with a function of the
//! user's. Or the client gets a [`Read`]: all values, and a [`CausalToken`] that says, with its next
//! write, what that replaces. A write without a token builds on all that the replica that mints it
//! holds.
//!
//! # What is not handled here
//! Minting dots that are never used twice, storing before sending, and forgetting tombstones belong
//! to whoever stores versions; [`Versions`] says what must be kept. A causal token is trusted no
//! further than its client.

mod bytes;
mod clock;
mod digest;
mod dot;
mod format;
#[cfg(test)]
mod histories;
mod read;
mod resolver;
#[cfg(test)]
mod samples;
mod sibling;
mod timestamp;
mod token;
mod vector;
mod versions;

pub use clock::{AHEAD_MAX, ClockAhead, HybridClock};
pub use dot::Dot;
pub use format::SIBLINGS_READ_MAX;
pub use read::Read;
pub use resolver::{LastWriteWins, Merge, Resolved, Resolver};
pub use sibling::Sibling;
pub use timestamp::Timestamp;
pub use token::CausalToken;
pub use vector::{NODES_MAX, VectorError, VersionVector};
pub use versions::{MINTERS_MAX, SIBLINGS_BYTES_MAX, SIBLINGS_MAX, Versions, WriteError};
