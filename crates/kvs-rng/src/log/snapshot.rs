//! A bucket's rows as of one entry, for a replica that has missed what was trimmed.
//!
//! The rows go on changing while their pages are sent. So what a write is about to replace is kept
//! aside first (copy on write), and a page is made of the rows as they are and of what was kept.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kvs_core::store::Raw;
use kvs_core::{Order, Result, StoredRow};
use tokio::time::Instant;

use super::bucket::BucketLog;
use super::entry::Position;
use super::rows;
use super::writer::Changes;
use crate::hash::Bucket;
use crate::identity::NodeId;

/// A page ends once it has this many bytes.
const PAGE_BYTES: usize = 1 << 20;
/// Most rows of a page.
const PAGE_ROWS: usize = 10_000;
/// A snapshot for which more than this would have to be kept aside is given up, and begun anew.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// A snapshot of which no page was wanted for so long is over.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Most snapshots at once; for more the oldest ends.
const SNAPSHOTS_MAX: usize = 16;

/// All snapshots that are being sent.
#[derive(Default)]
pub(super) struct Snapshots {
    running: Mutex<BTreeMap<(Bucket, NodeId), Snapshot>>,
}

struct Snapshot {
    position: Position,
    generation: u8,
    /// What was replaced since, by the rows' own stored keys; `None`: there was no such row.
    kept: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    kept_bytes: usize,
    /// The last key of each page that was made.
    ends: Vec<Vec<u8>>,
    used: Instant,
}

/// Rows by their own stored keys, and whether they are the last.
pub(super) type Page = (Vec<StoredRow>, bool);

impl Snapshots {
    /// Begins one, in place of an earlier one for the same node.
    pub(super) fn begin(&self, bucket: &BucketLog, to: NodeId, position: Position) {
        let generation = bucket.now().generation;
        let snapshot = Snapshot {
            position,
            generation,
            kept: BTreeMap::new(),
            kept_bytes: 0,
            ends: Vec::new(),
            used: Instant::now(),
        };
        let mut running = self.lock();
        running.insert((bucket.id, to), snapshot);
        while running.len() > SNAPSHOTS_MAX {
            let oldest = running.iter().min_by_key(|(_, it)| it.used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            running.remove(&oldest);
        }
    }

    /// Keeps what `changes` are about to replace.
    pub(super) async fn keep(&self, raw: &Raw, changes: &Changes) -> Result<()> {
        let bucket = changes.bucket.id;
        if changes.apply.is_empty() || !self.is_running(bucket) {
            return Ok(());
        }
        for applied in &changes.apply {
            let entity = applied.entity()?;
            let mut keys = Vec::new();
            applied.for_each(|clustering, _| {
                keys.push(rows::key(bucket, changes.head.generation, entity, clustering));
            })?;
            for key in keys {
                let inner = rows::inner(&key).to_vec();
                if self.wants(bucket, &inner) {
                    let before = raw.get(key).await?;
                    self.put_aside(bucket, &inner, before.as_ref());
                }
            }
        }
        Ok(())
    }

    fn is_running(&self, bucket: Bucket) -> bool {
        let mut running = self.lock();
        running.retain(|_, it| it.used.elapsed() < IDLE_MAX);
        running.keys().any(|(of, _)| *of == bucket)
    }

    fn wants(&self, bucket: Bucket, inner: &[u8]) -> bool {
        self.lock().iter().any(|((of, _), it)| *of == bucket && !it.kept.contains_key(inner))
    }

    fn put_aside(&self, bucket: Bucket, inner: &[u8], before: Option<&Vec<u8>>) {
        self.lock().retain(|(of, _), it| {
            if *of == bucket && !it.kept.contains_key(inner) {
                it.kept_bytes += inner.len() + before.map_or(0, Vec::len);
                it.kept.insert(inner.to_vec(), before.cloned());
            }
            it.kept_bytes <= KEPT_BYTES_MAX
        });
    }

    /// A page of the snapshot of `position` for `to`; `None` if there is no such snapshot any more.
    pub(super) async fn page(
        &self,
        raw: &Raw,
        bucket: &Arc<BucketLog>,
        to: NodeId,
        position: Position,
        page: u64,
    ) -> Result<Option<Page>> {
        let place = usize::try_from(page).unwrap_or(usize::MAX);
        let (generation, after, known_end) = {
            let mut running = self.lock();
            let Some(it) = running.get_mut(&(bucket.id, to)) else { return Ok(None) };
            if it.position != position || place > it.ends.len() {
                return Ok(None);
            }
            it.used = Instant::now();
            let before = place.checked_sub(1).and_then(|before| it.ends.get(before).cloned());
            (it.generation, before, it.ends.get(place).cloned())
        };
        let mut range = rows::bucket_range(bucket.id, generation, after.as_deref());
        // A page that is sent again ends where it ended before: the next one may be there already.
        let (most_rows, most_bytes) = match &known_end {
            Some(end) => {
                range.1 = Bound::Included(rows::in_generation(bucket.id, generation, end));
                (usize::MAX, usize::MAX)
            }
            None => (PAGE_ROWS, PAGE_BYTES),
        };
        let found = raw.scan(range, Order::Ascending, most_rows, most_bytes).await?;
        let bytes: usize = found.iter().map(|row| row.key.len() + row.value.len()).sum();
        let is_last = known_end.is_none() && found.len() < PAGE_ROWS && bytes < PAGE_BYTES;
        let last = found.last().filter(|_| !is_last).map(|row| rows::inner(&row.key).to_vec());
        let end = known_end.or(last);

        let now = found.into_iter();
        let mut page: BTreeMap<Vec<u8>, Vec<u8>> =
            now.map(|row| (rows::inner(&row.key).to_vec(), row.value)).collect();
        let mut running = self.lock();
        let Some(it) = running.get_mut(&(bucket.id, to)) else { return Ok(None) };
        if it.position != position || bucket.now().generation != generation {
            return Ok(None);
        }
        // What was kept lies over what is there: it is what was there before.
        for (key, before) in &it.kept {
            let is_in = after.as_ref().is_none_or(|after| key > after)
                && end.as_ref().is_none_or(|end| key <= end);
            match before {
                _ if !is_in => {}
                Some(value) => drop(page.insert(key.clone(), value.clone())),
                None => drop(page.remove(key)),
            }
        }
        if let Some(end) = end
            && place == it.ends.len()
        {
            it.ends.push(end);
        }
        let rows = page.into_iter().map(|(key, value)| StoredRow { key, value }).collect();
        Ok(Some((rows, is_last)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Bucket, NodeId), Snapshot>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
