//! A key-value store for feeds, leaderboards, records and files, in your own application.
//!
//! ```
//! use futures_util::TryStreamExt;
//! use kvs::Kvs;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Goal { minute: u8, by: String }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let kvs = Kvs::memory(); // or Kvs::open("data").await?
//!
//! let goals = kvs.feed::<Goal>("match/7/goals");
//! goals.add(&Goal { minute: 12, by: "Saka".into() }).await?;
//! let newest_first: Vec<_> = goals.all(None).try_collect().await?;
//! assert_eq!(newest_first[0].value.by, "Saka");
//!
//! let table = kvs.leaderboard::<String>("league/2016");
//! table.set(&"Arsenal".into(), 75.0).await?;
//! table.set(&"Chelsea".into(), 93.0).await?;
//! assert_eq!(table.rank(&"Arsenal".into()).await?, Some(2));
//! # Ok::<(), kvs::Error>(()) }).unwrap();
//! ```
//!
//! | | what it is | how to get it |
//! |---|---|---|
//! | records | any `serde` type by key | [`Kvs::put`], [`Kvs::get`], [`Kvs::delete`] |
//! | feeds | numbered entries, newest first | [`Kvs::feed`] |
//! | sorted sets | distinct elements in order | [`Kvs::sorted`] |
//! | leaderboards | members by score, with ranks | [`Kvs::leaderboard`] |
//! | registers | single values in one order: compare and set, count | [`Kvs::register`], [`Kvs::increment`] |
//! | files | in chunks, by name, in directories | [`Kvs::files`] |
//! | archives | the whole store in one zip file | [`Kvs::save`], [`Kvs::load`] |
//!
//! Feeds, sorted sets, leaderboards, registers and directories are *entities* and share one namespace: a
//! handle of another type on an existing name is refused with `WrongType`. Changes of one entity are
//! applied one at a time; different entities don't wait for each other. Types whose shape changes
//! over time are stored as [`Versioned`].
//!
//! # Backends
//! [`Options`] chooses the backend, how durable writes are, and how much memory is used. RocksDB is
//! the default and needs a C++ compiler and libclang to build; without them:
//!
//! ```toml
//! kvs = { version = "0.1", default-features = false, features = ["fjall"] }
//! ```

pub mod archive;

#[cfg(feature = "cluster")]
mod chunks;
#[cfg(feature = "cluster")]
pub mod cluster;

pub mod entities {
    //! Entities wherever they are: how commands travel, for who brings them there.
    //!
    //! An [`Executor`] hands out the same typed handles as [`Kvs`](crate::Kvs), over any
    //! [`Entities`]: what takes an encoded [`Command`] to an entity and its [`Answer`] back.
    //!
    //! ```
    //! use std::sync::Arc;
    //! use kvs::Kvs;
    //! use kvs::entities::Executor;
    //!
    //! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    //! let kvs = Kvs::memory();
    //! // In the place of the store itself, something that sends commands to it.
    //! let elsewhere = Executor::remote(Arc::new(kvs.entities().clone()));
    //! elsewhere.feed::<String>("goals").add(&"12' Saka".to_owned()).await?;
    //! assert_eq!(kvs.feed::<String>("goals").len().await?, 1);
    //! # Ok::<(), kvs::Error>(()) }).unwrap();
    //! ```

    pub use kvs_consistency::{Answer, Command, Entities, Executor, Failure};
}

mod error;
mod kvs;
mod options;

#[cfg(feature = "cluster")]
pub use crate::cluster::ClusterConfig;
pub use crate::error::{Error, Result};
pub use crate::kvs::Kvs;
pub use crate::options::{Backend, Options};

pub use kvs_consistency::{
    Condition, Counter, Feed, Leaderboard, Register, RegisterError, SortedSet,
};
pub use kvs_core::codec::{Initial, Raw};
pub use kvs_core::env;
pub use kvs_core::file::{self, FileError, FileInfo, Files};
pub use kvs_core::limits;
pub use kvs_core::{
    Batch, BoxStream, CallOptions, CommandId, Consistency, Dba, DbaError, Durability, Key, Outcome,
    Scan, Schema, Session, Value, Versioned,
};
pub use kvs_feed::{Eid, Entry};
pub use kvs_sort::{LeaderboardError, Standing};
