//! The committed rows of entities, as they are stored.

use std::ops::Bound;

use kvs_core::engine::WriteSet;
use kvs_core::env::Clock;
use kvs_core::format::envelope::Envelope;
use kvs_core::format::stored_key;
use kvs_core::limits::PAGE_BYTES_MAX;
use kvs_core::scan::is_empty;
use kvs_core::store::Raw;
use kvs_core::{Key, Page, Range, Result, ResumeToken, RowKind, Scan, prefix_end};

use crate::hash::{Bucket, Hashing};

/// Bytes before the stored key of the row: kind, bucket and generation.
pub(super) const PREFIX: usize = 6;

fn prefix(bucket: Bucket, generation: u8) -> [u8; PREFIX] {
    let [a, b, c, d] = bucket.0.to_be_bytes();
    [RowKind::Entity as u8, a, b, c, d, generation]
}

/// Where a row of an entity is: the bucket in front, as with replicas, so that a bucket is a range.
pub(super) fn key(bucket: Bucket, generation: u8, entity: &[u8], clustering: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(PREFIX + entity.len() + clustering.len() + 3);
    stored.extend_from_slice(&prefix(bucket, generation));
    stored_key::encode_into(&mut stored, RowKind::Entity, entity, clustering);
    stored
}

/// Adds a row to `writes`, in its envelope; `None` removes it.
pub(super) fn write(
    writes: &mut WriteSet,
    bucket: Bucket,
    generation: u8,
    entity: &[u8],
    clustering: &[u8],
    value: Option<&[u8]>,
) {
    let value = value.map(|value| Envelope::new(value).encode());
    writes.stored(&key(bucket, generation, entity, clustering), value.as_deref());
}

/// The same row in a generation.
pub(super) fn in_generation(bucket: Bucket, generation: u8, inner: &[u8]) -> Vec<u8> {
    [&prefix(bucket, generation)[..], inner].concat()
}

/// The row's own stored key, the same in every generation and bucket.
pub(super) fn inner(stored: &[u8]) -> &[u8] {
    stored.get(PREFIX..).unwrap_or_default()
}

/// All rows of all entities.
pub(super) fn everything() -> Range {
    let start = [RowKind::Entity as u8];
    (Bound::Included(start.to_vec()), prefix_end(&start).map_or(Bound::Unbounded, Bound::Excluded))
}

/// All rows of a generation of a bucket behind a row's own stored key.
pub(super) fn bucket_range(bucket: Bucket, generation: u8, after: Option<&[u8]>) -> Range {
    let prefix = prefix(bucket, generation);
    let start = match after {
        Some(after) => Bound::Excluded([&prefix[..], after].concat()),
        None => Bound::Included(prefix.to_vec()),
    };
    (start, prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded))
}

/// Whether a row's own stored key belongs to an entity of the bucket; a page from elsewhere may hold
/// anything.
pub(super) fn is_of(bucket: Bucket, inner: &[u8], hashing: Hashing) -> bool {
    stored_key::decode(inner).is_ok_and(|(kind, key)| {
        kind == RowKind::Entity && key.check().is_ok() && hashing.bucket(key.partition()) == bucket
    })
}

/// A row of one generation of a bucket.
pub(super) async fn get(
    raw: &Raw,
    clock: &dyn Clock,
    bucket: Bucket,
    generation: u8,
    asked: &Key,
) -> Result<Option<Vec<u8>>> {
    let stored = raw.get(key(bucket, generation, asked.partition(), asked.clustering())).await?;
    let Some(stored) = stored else { return Ok(None) };
    let envelope = Envelope::decode(&stored)?;
    Ok((!envelope.is_expired(|| clock.now_ms())).then(|| envelope.payload.to_vec()))
}

/// A page of a partition in one generation of its bucket.
pub(super) async fn scan(
    raw: &Raw,
    clock: &dyn Clock,
    bucket: Bucket,
    generation: u8,
    partition: &[u8],
    scan: &Scan,
) -> Result<Page> {
    let range = scan.remaining()?;
    if is_empty(&range) {
        return Ok(Page::default());
    }
    let front = prefix(bucket, generation);
    let skip = key(bucket, generation, partition, &[]).len();
    let (start, end) = stored_key::partition_range(RowKind::Entity, partition, &range);
    let stored = |bound: Bound<Vec<u8>>| bound.map(|inner| [&front[..], &inner].concat());
    let (order, limit) = (scan.ordering(), scan.page_rows());
    // One row more, to know whether there is another page.
    let found = raw.scan((stored(start), stored(end)), order, limit + 1, PAGE_BYTES_MAX).await?;
    // Rows may have been left out for their bytes, too.
    let bytes: usize = found.iter().map(|row| row.key.len() + row.value.len()).sum();
    let may_have_more = found.len() > limit || bytes >= PAGE_BYTES_MAX;
    let mut page = Page::default();
    let mut last = None;
    for row in found.iter().take(limit) {
        let clustering = row.key.get(skip..).unwrap_or_default();
        let envelope = Envelope::decode(&row.value)?;
        if !envelope.is_expired(|| clock.now_ms()) {
            page.push(clustering, envelope.payload);
        }
        last = Some(clustering);
    }
    if may_have_more {
        page.resume = last.map(|last| ResumeToken::new(order, last));
    }
    Ok(page)
}
