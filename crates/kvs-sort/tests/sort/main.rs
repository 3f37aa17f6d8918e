//! Sorted sets and leaderboards over a store in memory.

#![cfg(test)]

mod beside_a_writer;
mod clearing;
mod costs;
mod format;
mod leaderboard;
mod limits;
mod observed;
mod sorted_set;
mod types;

use std::sync::Arc;

use futures_util::TryStreamExt;
use kvs_core::{BoxStream, Dba, RowKind, Store};

fn rows() -> Arc<dyn Dba> {
    Arc::new(Store::memory().rows(RowKind::Entity))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn all<T>(stream: BoxStream<'_, T>) -> Vec<T> {
    stream.try_collect().await.unwrap()
}
