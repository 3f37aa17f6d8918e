//! The committed rows of entities at one node.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::engine::WriteSet;
use kvs_core::env::Clock;
use kvs_core::format::envelope::Envelope;
use kvs_core::format::stored_key;
use kvs_core::limits::{self, PAGE_BYTES_MAX};
use kvs_core::scan::is_empty;
use kvs_core::store::Raw;
use kvs_core::{
    Batch, CallOptions, Dba, DbaError, Key, Order, Page, Range, Result, ResumeToken, RowKind, Scan,
    prefix_end,
};

use crate::hash::{Bucket, Hashing};

/// Bytes before the stored key of the row: kind and bucket.
const PREFIX: usize = 5;

fn prefix(bucket: Bucket) -> [u8; PREFIX] {
    let [a, b, c, d] = bucket.0.to_be_bytes();
    [RowKind::Entity as u8, a, b, c, d]
}

/// Where a row of an entity is: the bucket in front, as with replicas, so that a bucket is a range.
pub(super) fn key(bucket: Bucket, entity: &[u8], clustering: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(PREFIX + entity.len() + clustering.len() + 3);
    stored.extend_from_slice(&prefix(bucket));
    stored_key::encode_into(&mut stored, RowKind::Entity, entity, clustering);
    stored
}

/// Adds a row to `writes`, in its envelope; `None` removes it.
pub(super) fn write(
    writes: &mut WriteSet,
    bucket: Bucket,
    entity: &[u8],
    clustering: &[u8],
    value: Option<&[u8]>,
) {
    let value = value.map(|value| Envelope::new(value).encode());
    writes.stored(&key(bucket, entity, clustering), value.as_deref());
}

/// All rows of a bucket's entities behind a stored key.
pub(super) fn bucket_range(bucket: Bucket, after: Option<&[u8]>) -> Range {
    let prefix = prefix(bucket);
    let start = match after {
        Some(after) => Bound::Excluded(after.to_vec()),
        None => Bound::Included(prefix.to_vec()),
    };
    (start, prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded))
}

/// Whether a stored key belongs to an entity of the bucket; a page from elsewhere may hold anything.
pub(super) fn is_of(bucket: Bucket, stored: &[u8], hashing: Hashing) -> bool {
    let Some((front, inner)) = stored.split_at_checked(PREFIX) else { return false };
    front == prefix(bucket)
        && stored_key::decode(inner).is_ok_and(|(kind, key)| {
            kind == RowKind::Entity
                && key.check().is_ok()
                && hashing.bucket(key.partition()) == bucket
        })
}

/// The committed rows of all entities that this node holds, as a [`Dba`] to read from.
#[derive(Clone)]
pub struct EntityRows {
    raw: Raw,
    hashing: Hashing,
    clock: Arc<dyn Clock>,
}

impl EntityRows {
    pub(super) fn new(raw: Raw, hashing: Hashing, clock: Arc<dyn Clock>) -> Self {
        Self { raw, hashing, clock }
    }

    fn refused<T>() -> Result<T> {
        Err(DbaError::Unsupported { operation: "a write", on: "on the rows of an entity" })
    }
}

#[async_trait]
impl Dba for EntityRows {
    async fn get_with(&self, asked: &Key, _: &CallOptions) -> Result<Option<Vec<u8>>> {
        asked.check()?;
        let bucket = self.hashing.bucket(asked.partition());
        let stored = self.raw.get(key(bucket, asked.partition(), asked.clustering())).await?;
        let Some(stored) = stored else { return Ok(None) };
        let envelope = Envelope::decode(&stored)?;
        let expired = envelope.is_expired(|| self.clock.now_ms());
        Ok((!expired).then(|| envelope.payload.to_vec()))
    }

    async fn put_with(&self, _: &Key, _: Vec<u8>, _: &CallOptions) -> Result<()> {
        Self::refused()
    }

    async fn delete_with(&self, _: &Key, _: &CallOptions) -> Result<()> {
        Self::refused()
    }

    async fn write_with(&self, _: &[u8], _: Batch, _: &CallOptions) -> Result<()> {
        Self::refused()
    }

    async fn scan_with(&self, partition: &[u8], scan: &Scan, _: &CallOptions) -> Result<Page> {
        limits::check_partition(partition)?;
        let range = scan.remaining()?;
        if is_empty(&range) {
            return Ok(Page::default());
        }
        let bucket = self.hashing.bucket(partition);
        let skip = key(bucket, partition, &[]).len();
        let front = prefix(bucket);
        let (start, end) = stored_key::partition_range(RowKind::Entity, partition, &range);
        let stored = |bound: Bound<Vec<u8>>| bound.map(|inner| [&front[..], &inner].concat());
        let (order, limit) = (scan.ordering(), scan.page_rows());
        // One row more, to know whether there is another page.
        let found =
            self.raw.scan((stored(start), stored(end)), order, limit + 1, PAGE_BYTES_MAX).await?;
        // Fewer than asked for may have been left out for their bytes.
        let bytes: usize = found.iter().map(|row| row.key.len() + row.value.len()).sum();
        let may_have_more = found.len() > limit || bytes >= PAGE_BYTES_MAX;
        self.page(&found, skip, order, limit, may_have_more)
    }
}

impl EntityRows {
    fn page(
        &self,
        found: &[kvs_core::StoredRow],
        skip: usize,
        order: Order,
        limit: usize,
        may_have_more: bool,
    ) -> Result<Page> {
        let mut page = Page::default();
        for row in found.iter().take(limit) {
            let clustering = row.key.get(skip..).unwrap_or_default();
            let envelope = Envelope::decode(&row.value)?;
            if !envelope.is_expired(|| self.clock.now_ms()) {
                page.push(clustering, envelope.payload);
            }
            if may_have_more {
                page.resume = Some(ResumeToken::new(order, clustering));
            }
        }
        Ok(page)
    }
}
