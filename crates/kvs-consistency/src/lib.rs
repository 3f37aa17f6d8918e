//! Commands of entities: feeds, sorted sets, leaderboards, registers and directories of files, wherever
//! they are.
//!
//! An *entity* is a name whose commands run one at a time ([`kvs_core::entity`]). Where it is differs: an
//! embedded store has it in its own process, on a cluster one node at a time owns it. This crate
//! makes both look the same, by the oldest way to keep replicas alike: what is to be done is a value
//! (Schneider, *Implementing Fault-Tolerant Services Using the State Machine Approach*, 1990).
//!
//! - A [`Command`] is that value; its bytes travel to the owner.
//! - [`execute`] runs it there, as the entity's next command, over a
//!   [scope](kvs_core::entity::Scope) that collects what it writes. [`apply`] is the part that knows
//!   what commands mean. Only the owner runs it; the others get the rows it wrote, so a command may
//!   read a clock or draw a number.
//! - An [`Answer`] travels back: a value, or a [`Failure`].
//! - The handles ([`Feed`], [`SortedSet`], [`Leaderboard`], [`Register`], and
//!   [`Files`](kvs_core::file::Files)) know types, which commands don't: entries, elements and members
//!   travel encoded. They come from an [`Executor`], which is local or remote.
//!
//! ```
//! use std::sync::Arc;
//! use kvs_consistency::Executor;
//! use kvs_core::entity::LocalEntities;
//! use kvs_core::env::Env;
//! use kvs_core::{RowKind, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rows = Arc::new(Store::memory().rows(RowKind::Entity));
//! let entities = Executor::local(Arc::new(LocalEntities::new(rows)), Env::system());
//!
//! let goals = entities.feed::<String>("match/7/goals");
//! goals.add(&"12' Saka".to_owned()).await?;
//! assert_eq!(goals.len().await?, 1);
//! # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
//! ```
//!
//! # Local
//! Commands run in the caller's task. They are not encoded, unless they have an id: entries go
//! straight from their type to the stored row, and reads go straight to the rows and wait for nobody.
//!
//! # Remote
//! Reads are queries: commands that write nothing. A [`stream`](kvs_core::stream) asks for a page at
//! a time and holds one; each page begins behind the last item of the one before, so it needs
//! nothing of the owner in between, and goes on if that changes.
//!
//! [`EntityHandler`] is what runs at the owner, behind a [`Region`](kvs_sharding::Region) of
//! `kvs-sharding`; an [`EntityRegion`] is [`Entities`] by itself. The next command of an entity begins
//! as soon as the one before it is submitted: replicating many takes one round.
//!
//! # Sessions
//! The queries of a [`Session`](kvs_core::Session) needn't see everything, only what the session has seen:
//! its own writes, and whatever it has read. [`NodeEntities`] answers them from the rows of its own node,
//! if that is a replica which has as much. The session advances with every command and query made with
//! it, wherever they are run.
//!
//! # Commands with an id
//! Beside the answer the entity keeps a digest of the command. If the same id comes with another
//! command, that is refused with [`CommandReused`](kvs_core::DbaError::CommandReused) and never
//! answered with what the first one gave.

mod answer;
mod command;
mod directories;
mod entity;
mod execute;
mod failure;
mod feed;
mod leaderboard;
mod node;
mod region;
mod register;
mod session;
mod sorted;

pub use answer::Answer;
pub use command::{COMMAND_BYTES_MAX, Command, PAGE_ITEMS_MAX};
pub use entity::{Entities, Executor};
pub use execute::{apply, execute, start};
pub use failure::Failure;
pub use feed::{Feed, FeedCommand, FeedEntry, FeedPage};
pub use leaderboard::{AROUND_MAX, Leaderboard, LeaderboardCommand};
pub use node::NodeEntities;
pub use region::{EntityHandler, EntityRegion, REGION};
pub use register::{
    Condition, Counter, Integers, Register, RegisterChange, RegisterCommand, RegisterError,
};
pub use sorted::{SortedCommand, SortedPage, SortedSet};
