//! The contract of a store as tests: what keeps it passes, whatever is underneath.
//!
//! [`dba`] checks [`Dba`], [`iterate`] checks [`Iterate`], [`model`] compares a store with an ordered
//! map over many random histories. Each takes an empty store and panics with the name of the case
//! that was violated and with what was expected and found there.
//!
//! The cases are functions; each works in partitions of its own, so all of them share one store. A
//! case asks for nothing that the contract does not promise: a call with a deadline may be in time
//! or not, a dropped write may happen or not.
//!
//! ```
//! use std::sync::Arc;
//! use kvs_core::{RowKind, Store, conformance};
//!
//! # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
//! conformance::dba(Arc::new(Store::memory().rows(RowKind::Plain))).await;
//! # });
//! ```
//!
//! Tasks run side by side only on a runtime with several threads: use one, unless the store is
//! simulated.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a violation is a panic, and so is a failure where the contract allows none"
)]

mod batches;
mod case;
mod concurrency;
mod interrupted;
mod iteration;
mod limits;
mod model;
mod scans;
mod semantics;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::dba::{Dba, Iterate};
use crate::env::Env;
use case::{Named, cases};

/// How many random histories [`dba`] compares.
const HISTORIES: u32 = 24;

/// Checks that an empty store keeps the contract of [`Dba`].
///
/// Takes a second or so on an engine in memory. Writes about 80 MiB, a few of them in batches of
/// 10,000 rows.
///
/// # Panics
/// With the name of the case, if the contract is violated.
pub async fn dba(store: Arc<dyn Dba>) {
    let cases: &[Named<dyn Dba>] = cases![
        semantics::puts_gets_and_deletes,
        semantics::overwrites,
        semantics::values_of_any_bytes,
        semantics::keys_of_any_bytes,
        semantics::partitions_do_not_mix,
        batches::apply_in_order,
        batches::empty_one_changes_nothing,
        batches::are_of_one_partition,
        batches::refused_one_changes_nothing,
        scans::every_range,
        scans::prefixes,
        scans::page_sizes,
        scans::end_by_bytes,
        scans::streams,
        tokens::can_be_kept,
        tokens::outlive_their_row,
        tokens::see_what_was_written_since,
        tokens::of_another_scan_are_refused,
        limits::at_the_limit,
        limits::above_the_limit,
        concurrency::writers_of_many_partitions,
        concurrency::writers_of_one_partition,
        concurrency::writers_of_one_row,
        concurrency::readers_see_whole_batches,
        interrupted::deadlines,
        interrupted::dropped_writes,
    ];
    case::run(&store, cases).await;
    model(store, HISTORIES, Env::system().random.next_u64()).await;
}

/// Checks that an empty store keeps the contract of [`Iterate`].
///
/// # Panics
/// With the name of the case, if the contract is violated.
pub async fn iterate<S: Dba + Iterate>(store: Arc<S>) {
    let cases: &[Named<S>] = cases![
        iteration::keys_in_order,
        iteration::prefixes,
        iteration::many_pages,
        iteration::deletes_by_prefix,
        iteration::deletes_many_pages,
    ];
    case::run(&store, cases).await;
}

/// Compares a store with an ordered map over `histories` random sequences of operations, which
/// `seed` determines. A violation is shrunk to the shortest sequence found that shows it.
///
/// # Panics
/// With that sequence and the seed, if the two differ.
pub async fn model(store: Arc<dyn Dba>, histories: u32, seed: u64) {
    model::check(store, histories, seed).await;
}
