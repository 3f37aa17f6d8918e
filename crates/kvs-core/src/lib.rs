//! What every part of `kvs` stands on: keys, the contract of a store, and stores that keep it.
//!
//! A row is addressed by a [`Key`]: its **partition** decides where it lives, its **clustering**
//! part orders it among the rows of that partition. Everything above is made of three operations on
//! partitions: point reads, ordered scans, and atomic batches. [`Dba`] is that contract.
//!
//! ```
//! use kvs_core::{Batch, Dba, Key, RowKind, Scan, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rows = Store::memory().rows(RowKind::Plain);
//! rows.write(b"league", Batch::new().put("arsenal", "75").put("chelsea", "93")).await?;
//!
//! let page = rows.scan(b"league", &Scan::all().descending().limit(1)).await?;
//! assert_eq!(page.first().map(|row| row.clustering), Some(b"chelsea".as_slice()));
//! # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
//! ```
//!
//! # The parts
//! - [`dba`]: the contract, and the extras that only some stores have.
//! - [`engine`]: the backends, each a feature of this crate. [`store`] makes the contract out of any
//!   of them.
//! - [`entity`]: commands on one name, one at a time and applied once; what feeds, sorted sets and
//!   files build on.
//! - [`codec`]: values to bytes and back, with schema versions and migrations, and an encoding whose
//!   bytes sort as the values do.
//! - [`format`](mod@format): the bytes that are stored.
//! - [`file`](mod@file): files in chunks.
//! - [`session`]: reads that never go back.
//! - [`limits`], [`DbaError`]: what is refused, and how it is said.
//! - [`env`](mod@env): time and randomness, replaceable.
#![cfg_attr(
    feature = "conformance",
    doc = "- [`conformance`]: the contract as tests, for every implementation."
)]

pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod dba;
pub mod engine;
pub mod entity;
pub mod env;
pub mod file;
pub mod format;
pub mod limits;
pub mod scan;
pub mod session;
pub mod store;
pub mod stream;

mod batch;
mod error;
mod key;
mod options;
mod page;

#[doc(inline)]
pub use batch::{Batch, Op};
pub use codec::{Schema, Value, Versioned};
pub use dba::{BoxStream, Compact, Dba, Iterate, Ready, Snapshot, StoredRow};
pub use entity::{CommandId, EntityStore};
pub use error::{DbaError, Outcome, Result};
pub use format::stored_key::RowKind;
pub use key::Key;
pub use options::{CallOptions, Consistency};
pub use page::{Page, Row, RowRef};
pub use scan::{Order, Range, ResumeToken, Scan, prefix_end};
pub use session::Session;
pub use store::{Durability, Store};
