//! Feeds: lists of typed entries, newest first.
//!
//! A feed keeps what happened, in the order it happened: the matches of a team, the posts of a
//! player, the moves of a game. Entries are numbered 1, 2, 3, … as they are added, a number is never
//! used again, and reading begins with the newest.
//!
//! ```
//! use std::sync::Arc;
//! use futures_util::TryStreamExt;
//! use kvs_core::{RowKind, Store};
//! use kvs_feed::{Eid, Feed};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rows = Arc::new(Store::memory().rows(RowKind::Entity));
//! let goals = Feed::<String>::new(rows, "match/7/goals");
//! assert_eq!(goals.add(&"12' Saka".to_owned()).await?, Eid(1));
//! assert_eq!(goals.add(&"44' Rice".to_owned()).await?, Eid(2));
//!
//! let newest_first: Vec<_> = goals.all(None).try_collect().await?;
//! assert_eq!(newest_first[0].value, "44' Rice");
//! # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
//! ```
//!
//! The type is part of the handle, so one feed doesn't mix entries:
//!
//! ```compile_fail,E0308
//! # use kvs_feed::Feed;
//! # async fn example(feed: Feed<String>) {
//! let note: u64 = 7;
//! feed.add(&note).await; // expected `&String`, found `&u64`
//! # }
//! ```
//!
//! # How it is stored
//! A feed is an [entity](kvs_core::entity); its name is the partition.
//!
//! | clustering key | value |
//! |---|---|
//! | empty | header: type `feed`, last number, length, floor |
//! | `0x10`, 2⁶⁴ − 1 − eid | the entry; empty once it is removed |
//! | `0x11`, eid | a mark: the entry was removed and waits for [`cleanup`](Feed::cleanup) |
//!
//! Numbers count down in the keys, so *newest first* reads forward, which is the faster direction of
//! an LSM tree (a backward scan of RocksDB does about 0.6 of a forward one). Neighbours are one step
//! of a scan apart: no links are stored, so none can go stale. Entries at or below the *floor* are
//! gone whether their rows are there or not; so [`clear`](Feed::clear) is one small write however
//! long the feed is.
//!
//! # One writer at a time
//! Every change is one atomic batch, but it reads before it writes. On a bare [`Dba`](kvs_core::Dba) the caller sees
//! to it that changes of one feed don't overlap. Inside [`entity::run`](kvs_core::entity::run) the
//! store does.

mod cleanup;
mod entry;
mod feed;

pub use cleanup::Cleaned;
pub use entry::{Eid, Entry};
pub use feed::Feed;
