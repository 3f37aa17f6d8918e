//! Minting, and storing what others minted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kvs_core::engine::WriteSet;
use kvs_core::env::uncancelled;
use kvs_core::limits::{self, BATCH_OPS_MAX, LimitError};
use kvs_core::{DbaError, Key, Outcome};

use super::buckets::Locked;
use super::error::ReplicaError;
use super::handle::{Inner, Replica};
use super::item::{Item, Write};
use super::rows;
use crate::hash::Bucket;
use crate::version::{NODES_MAX, SIBLINGS_READ_MAX, Sibling, Versions, WriteError};

impl Replica {
    /// Mints writes of rows of one partition: each gets a dot, builds on what is held, and all are
    /// stored in one atomic write before this returns. Gives what is then held of each key written,
    /// in the order of their first writes; this is what the other replicas are to
    /// [store](Self::store). They may be sent it before it is synced here, see
    /// [`mint_unsynced`](Self::mint_unsynced).
    ///
    /// Several writes of one row take effect in their order. All writes have one timestamp, so that
    /// of two concurrent batches the same one wins everywhere. If one write is refused all are.
    ///
    /// Costs a read for each key and one write, whatever the bucket holds.
    pub async fn mint(
        &self,
        bucket: Bucket,
        partition: &[u8],
        writes: Vec<Write>,
    ) -> Result<Vec<Item>, ReplicaError> {
        let items = self.mint_unsynced(bucket, partition, writes).await?;
        self.synced().await?;
        Ok(items)
    }

    /// [`mint`](Self::mint), without waiting for a sync: the write is in the store, and this replica
    /// doesn't count among those that have it until [`synced`](Self::synced) says so. The others may be
    /// sent it meanwhile. Should this node lose it, its dot is not given again all the same, and it
    /// [catches up](super::Condition::CatchingUp) with the others before it mints again.
    pub async fn mint_unsynced(
        &self,
        bucket: Bucket,
        partition: &[u8],
        writes: Vec<Write>,
    ) -> Result<Vec<Item>, ReplicaError> {
        limits::check_partition(partition)?;
        limits::at_most("operations in a batch", writes.len(), BATCH_OPS_MAX)?;
        for write in &writes {
            limits::check_clustering(&write.clustering)?;
        }
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let partition = partition.to_vec();
        let inner = self.inner().clone();
        let locked = inner.buckets.lock(bucket).await;
        uncancelled(async move { inner.mint(locked, &partition, writes).await }).await
    }

    /// Joins what another replica holds to what is held here, in one atomic write; says whether
    /// that changed anything. Refuses no versions but what could not be read back, which no honest
    /// history leads to: replicas must converge.
    ///
    /// Costs a read for each key, and one write if anything changed.
    pub async fn store(&self, bucket: Bucket, items: Vec<Item>) -> Result<bool, ReplicaError> {
        Ok(self.store_and_tell(bucket, items).await?.is_changed)
    }

    /// [`store`](Self::store), and what more was held here of those keys.
    ///
    /// What came is as safe as the durability says when this returns, also if it was held before: it
    /// may not have been synced yet.
    pub async fn store_and_tell(
        &self,
        bucket: Bucket,
        items: Vec<Item>,
    ) -> Result<Stored, ReplicaError> {
        for item in &items {
            item.key.check()?;
        }
        let inner = self.inner().clone();
        let locked = inner.buckets.lock(bucket).await;
        uncancelled(async move {
            let stored = inner.clone().store(locked, items).await?;
            inner.synced().await?;
            Ok(stored)
        })
        .await
    }
}

/// What [`Replica::store_and_tell`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Whether anything changed.
    pub is_changed: bool,
    /// Of keys of which more was held than came: all that is held now.
    pub more: Vec<Item>,
}

/// What is held of some keys, and is about to change.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) changes: Vec<Change>,
    /// Where the change of each stored key is; empty while there is one key only.
    places: BTreeMap<Vec<u8>, usize>,
}

/// What is held of a key, and is about to change.
pub(super) struct Change {
    stored: Vec<u8>,
    /// The digest of what is stored.
    before: u64,
    pub(super) item: Item,
    pub(super) is_changed: bool,
    /// Whether more was held than came.
    has_more: bool,
}

impl Changes {
    /// Reads what is held of `key`, unless that has been done; gives its place.
    pub(super) async fn read(
        &mut self,
        inner: &Inner,
        bucket: Bucket,
        key: Key,
    ) -> Result<usize, ReplicaError> {
        let stored = rows::key(bucket, &key);
        let next = self.changes.len();
        if let [only] = self.changes.as_slice()
            && self.places.is_empty()
        {
            self.places.insert(only.stored.clone(), 0);
        }
        if let Some(place) = self.places.get(&stored) {
            return Ok(*place);
        }
        if next > 0 {
            self.places.insert(stored.clone(), next);
        }
        let versions = inner.held(stored.clone()).await?;
        let before = versions.digest(rows::inner(&stored));
        let item = Item { key, versions };
        self.changes.push(Change { stored, before, item, is_changed: false, has_more: false });
        Ok(next)
    }
}

impl Inner {
    async fn mint(
        self: Arc<Self>,
        locked: Locked,
        partition: &[u8],
        writes: Vec<Write>,
    ) -> Result<Vec<Item>, ReplicaError> {
        let bucket = locked.bucket();
        self.start.check_mint(bucket)?;
        self.hold.check()?;
        let mut changes = Changes::default();
        let mut places = Vec::with_capacity(writes.len());
        for write in &writes {
            let key = Key::new(partition, write.clustering.as_slice());
            places.push(changes.read(&self, bucket, key).await?);
        }
        let mut changes = changes.changes;
        changes.iter().for_each(|change| self.observe(&change.item.versions));
        let timestamp = self.clock.now();
        self.clock.check(timestamp)?;
        let dots = self.dots.take(writes.len()).await.map_err(ReplicaError::NotBegun)?;
        for ((write, place), dot) in writes.into_iter().zip(places).zip(dots) {
            let Some(change) = changes.get_mut(place) else { continue };
            let Write { value, expires_at_ms, seen, .. } = write;
            let sibling = Sibling { dot, timestamp, expires_at_ms, value };
            match change.item.versions.write(sibling, seen.as_ref()) {
                Ok(()) => change.is_changed = true,
                Err(WriteError::Limit(error)) => return Err(error.into()),
                Err(WriteError::DotUsed { dot }) => {
                    let known = change.item.versions.context().counter(dot.node);
                    self.start.found_stray(known).await.map_err(ReplicaError::NotBegun)?;
                    return Err(ReplicaError::OldFolder { node: dot.node });
                }
            }
        }
        self.commit(locked, &changes).await?;
        Ok(changes.into_iter().map(|change| change.item).collect())
    }

    async fn store(
        self: Arc<Self>,
        locked: Locked,
        items: Vec<Item>,
    ) -> Result<Stored, ReplicaError> {
        self.start.check_open()?;
        let bucket = locked.bucket();
        let mut changes = Changes::default();
        for Item { key, versions } in items {
            self.observe(&versions);
            let known = versions.context().counter(self.node);
            let is_stray = known > self.dots.given();
            if is_stray {
                // What others hold is stored all the same.
                self.start.found_stray(known).await.map_err(ReplicaError::NotBegun)?;
            }
            self.witness.note(self.node, bucket, &key, &versions);
            let place = changes.read(&self, bucket, key).await?;
            if let Some(change) = changes.changes.get_mut(place) {
                change.has_more |= !versions.descends(&change.item.versions);
                if !is_stray && known > change.item.versions.context().counter(self.node) {
                    self.start.found_loss(bucket).await?;
                }
                change.is_changed |= change.item.versions.join(versions);
                check_readable(&change.item.versions)?;
            }
        }
        let is_changed = changes.changes.iter().any(|change| change.is_changed);
        if is_changed {
            self.commit(locked, &changes.changes).await?;
        }
        let more = changes.changes.into_iter().filter(|change| change.has_more);
        Ok(Stored { is_changed, more: more.map(|change| change.item).collect() })
    }

    /// From here on this node's timestamps are later than those of `versions`.
    pub(super) fn observe(&self, versions: &Versions) {
        versions.siblings().iter().for_each(|sibling| self.clock.observe(sibling.timestamp));
    }

    /// Tells the log when the store begins to fail, as on a full disk, and when that is over.
    fn tell(&self, written: &Result<(), DbaError>) {
        let failed_before = self.failing.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Err(error) if !failed_before => {
                tracing::error!(node = %self.node, %error, "this replica takes no writes");
            }
            Ok(()) if failed_before => {
                tracing::info!(node = %self.node, "this replica takes writes again");
            }
            _ => {}
        }
    }

    /// Waits until all that was written before is as safe as it is to be.
    pub(super) async fn synced(&self) -> Result<(), ReplicaError> {
        let synced = self.raw.synced().await;
        if synced.is_err() {
            self.tell(&synced);
        }
        Ok(synced?)
    }

    /// Writes what has changed together with its leaves. It is visible then, and not synced: the lock
    /// of the bucket is not for waiting for the disk.
    pub(super) async fn commit(
        &self,
        mut locked: Locked,
        changes: &[Change],
    ) -> Result<(), ReplicaError> {
        let bucket = locked.bucket();
        let mut leaves = locked.take_leaves(&self.raw).await?;
        let (writes, sums) = {
            let changes = changes.iter().filter(|change| change.is_changed);
            let sums = new_sums(|leaf| leaves.sum(leaf), changes.clone());
            (write_set(bucket, changes, &sums), sums)
        };
        let written = self.raw.write_unsynced(writes).await;
        self.tell(&written);
        match &written {
            Ok(()) => sums.iter().for_each(|(leaf, sum)| leaves.set(*leaf, *sum)),
            Err(error) if error.outcome() == Outcome::NotApplied => {}
            // Only the disk knows what the leaves are now.
            Err(_) => return Ok(written?),
        }
        locked.put_back(leaves);
        Ok(written?)
    }
}

/// Refuses what could be written and not read.
pub(super) fn check_readable(versions: &Versions) -> Result<(), LimitError> {
    let (nodes, siblings) = (versions.context().len(), versions.siblings().len());
    limits::at_most("number of nodes that have written one key", nodes, NODES_MAX)?;
    limits::at_most("number of siblings of one key", siblings, SIBLINGS_READ_MAX)
}

/// The leaves that change, and what they change to.
fn new_sums<'a>(
    old: impl Fn(u8) -> u64,
    changes: impl Iterator<Item = &'a Change>,
) -> BTreeMap<u8, u64> {
    let mut sums = BTreeMap::new();
    for change in changes {
        let inner = rows::inner(&change.stored);
        let leaf = rows::leaf(inner);
        let sum = sums.entry(leaf).or_insert_with(|| old(leaf));
        let after = change.item.versions.digest(inner);
        *sum = sum.wrapping_sub(change.before).wrapping_add(after);
    }
    sums
}

fn write_set<'a>(
    bucket: Bucket,
    changes: impl Iterator<Item = &'a Change> + Clone,
    sums: &BTreeMap<u8, u64>,
) -> WriteSet {
    let row_bytes = |change: &Change| change.stored.len() + change.item.versions.encoded_len();
    let leaf_bytes = rows::leaf_key(bucket, 0).len() + rows::number(0).len();
    let (count, bytes) = changes
        .clone()
        .fold((0, 0), |(count, bytes), change| (count + 1, bytes + row_bytes(change)));
    let mut writes = WriteSet::with_capacity(count + sums.len(), bytes + sums.len() * leaf_bytes);
    let mut value = Vec::new();
    for change in changes {
        value.clear();
        change.item.versions.encode_into(&mut value);
        writes.stored(&change.stored, Some(&value));
    }
    for (leaf, sum) in sums {
        writes.stored(&rows::leaf_key(bucket, *leaf), Some(&rows::number(*sum)));
    }
    writes
}
