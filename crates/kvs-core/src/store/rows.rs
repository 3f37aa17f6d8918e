//! The rows of one kind, as a [`Dba`].

use std::ops::{Bound, ControlFlow};

use async_trait::async_trait;

use super::Store;
use crate::batch::Batch;
use crate::dba::{BoxStream, Dba, Iterate};
use crate::engine::WriteSet;
use crate::error::Result;
use crate::format::envelope::{Envelope, OVERHEAD};
use crate::format::stored_key::{self, RowKind};
use crate::key::Key;
use crate::limits::{self, PAGE_BYTES_MAX};
use crate::options::CallOptions;
use crate::page::Page;
use crate::scan::{Order, ResumeToken, Scan, is_empty};
use crate::stream;

/// Room that a page is given before anything is known of its rows.
const ROOM_ROWS: usize = 1_024;
const ROOM_ROW_BYTES: usize = 64;

/// How many keys are read at a time.
const KEYS: usize = 256;

/// The rows of one kind in a store.
#[derive(Clone)]
pub struct Rows {
    store: Store,
    kind: RowKind,
}

impl Rows {
    pub(super) fn new(store: Store, kind: RowKind) -> Self {
        Self { store, kind }
    }

    async fn write_one(
        &self,
        operation: &'static str,
        key: &Key,
        value: Option<&[u8]>,
        options: &CallOptions,
    ) -> Result<()> {
        key.check()?;
        let (partition, clustering) = (key.partition(), key.clustering());
        let value_bytes = value.map_or(0, |value| value.len() + OVERHEAD);
        let mut writes =
            WriteSet::with_capacity(1, partition.len() + clustering.len() + 3 + value_bytes);
        writes.row(self.kind, partition, clustering, value);
        self.store.write(operation, writes, options).await
    }
}

#[async_trait]
impl Dba for Rows {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        key.check()?;
        let stored = stored_key::encode(self.kind, key.partition(), key.clustering());
        let found = self
            .store
            .run("get", options, move |engine, wait| {
                let mut found = None;
                engine.get(&stored, wait, &mut |value| {
                    found = Some(
                        Envelope::decode(value)
                            .map(|envelope| (envelope.expires_at_ms, envelope.payload.to_vec())),
                    );
                })?;
                Ok(found)
            })
            .await?;
        let Some((expires_at_ms, value)) = found.transpose()? else { return Ok(None) };
        let expired = expires_at_ms.is_some_and(|at| at <= self.store.env.clock.now_ms());
        Ok((!expired).then_some(value))
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        limits::check_value(&value)?;
        self.write_one("put", key, Some(&value), options).await
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        self.write_one("delete", key, None, options).await
    }

    async fn write_with(
        &self,
        partition: &[u8],
        batch: Batch,
        options: &CallOptions,
    ) -> Result<()> {
        limits::check_partition(partition)?;
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        let bytes = batch.bytes() + batch.len() * (partition.len() + 3 + OVERHEAD);
        let mut writes = WriteSet::with_capacity(batch.len(), bytes);
        writes.batch(self.kind, partition, &batch);
        self.store.write("write", writes, options).await
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        limits::check_partition(partition)?;
        let range = scan.remaining()?;
        if is_empty(&range) {
            return Ok(Page::default());
        }
        let range = stored_key::partition_range(self.kind, partition, &range);
        let skip = stored_key::encode(self.kind, partition, &[]).len();
        let (order, limit) = (scan.ordering(), scan.page_rows());
        let clock = self.store.env.clock.clone();
        self.store
            .run("scan", options, move |engine, wait| {
                let mut page = PageBuilder::new(order, limit);
                engine.scan(&range, order, wait, &mut |key, value| {
                    page.visit(key.get(skip..).unwrap_or_default(), value, || clock.now_ms())
                })?;
                Ok(page.finish())
            })
            .await?
    }
}

/// Collects a page until it is full, and one row more to know whether there is another page.
struct PageBuilder {
    page: Result<Page>,
    order: Order,
    rows_max: usize,
}

impl PageBuilder {
    fn new(order: Order, rows_max: usize) -> Self {
        let rows = rows_max.min(ROOM_ROWS);
        Self { page: Ok(Page::with_capacity(rows, rows * ROOM_ROW_BYTES)), order, rows_max }
    }

    fn visit(
        &mut self,
        clustering: &[u8],
        stored: &[u8],
        now_ms: impl FnOnce() -> u64,
    ) -> ControlFlow<()> {
        let Ok(page) = &mut self.page else { return ControlFlow::Break(()) };
        let envelope = match Envelope::decode(stored) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.page = Err(error);
                return ControlFlow::Break(());
            }
        };
        if envelope.is_expired(now_ms) {
            return ControlFlow::Continue(());
        }
        if page.len() >= self.rows_max || page.bytes() >= PAGE_BYTES_MAX {
            page.resume = page.last().map(|row| ResumeToken::new(self.order, row.clustering));
            return ControlFlow::Break(());
        }
        page.push(clustering, envelope.payload);
        ControlFlow::Continue(())
    }

    fn finish(self) -> Result<Page> {
        self.page
    }
}

#[async_trait]
impl Iterate for Rows {
    fn keys(&self, prefix: &[u8]) -> BoxStream<'static, Key> {
        let this = self.clone();
        let range = stored_key::prefix_range(self.kind, prefix);
        stream::pages(range, move |range| {
            let this = this.clone();
            Box::pin(async move {
                let clock = this.store.env.clock.clone();
                // What can't be read is shown: it is there.
                let is_there = move |value: &[u8]| {
                    !Envelope::decode(value).is_ok_and(|it| it.is_expired(|| clock.now_ms()))
                };
                let range = range.clone();
                let stored =
                    this.store.stored_keys("iterate", range.clone(), KEYS, is_there).await?;
                let keys = stored
                    .iter()
                    .map(|stored| Ok(stored_key::decode(stored)?.1))
                    .collect::<Result<Vec<_>>>()?;
                let rest = (stored.len() == KEYS)
                    .then(|| stored.last().map(|last| (Bound::Excluded(last.clone()), range.1)))
                    .flatten();
                Ok((keys, rest))
            })
        })
    }

    async fn delete_prefix(&self, prefix: &[u8]) -> Result<u64> {
        let range = stored_key::prefix_range(self.kind, prefix);
        self.store.delete_range("delete_prefix", range).await
    }
}
