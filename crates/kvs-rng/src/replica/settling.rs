//! Minting once more what turned out to stand beside older writes.

use std::sync::Arc;

use kvs_core::Key;
use kvs_core::env::uncancelled;

use super::buckets::Locked;
use super::error::ReplicaError;
use super::handle::{Inner, Replica};
use super::item::Item;
use super::writing::{Changes, check_readable};
use crate::hash::Bucket;
use crate::version::{Dot, Sibling, WriteError};

impl Replica {
    /// Mints writes once more, on top of what others held beside them.
    ///
    /// `minted` are writes that were just minted here without a token, and `found` is what other
    /// replicas turned out to hold of their keys. All of it is joined; a write that then stands beside
    /// siblings gets a new dot that replaces them, under the timestamp that it had: whoever has built
    /// on it meanwhile is later still. One that was replaced meanwhile stays replaced. Gives what is
    /// then held of the keys that were minted again. Waits for no sync, as
    /// [`mint_unsynced`](Self::mint_unsynced).
    ///
    /// Costs a read for each key and one write.
    pub async fn settle(
        &self,
        bucket: Bucket,
        minted: Vec<(Key, Dot)>,
        found: Vec<Item>,
    ) -> Result<Vec<Item>, ReplicaError> {
        let inner = self.inner().clone();
        let locked = inner.buckets.lock(bucket).await;
        uncancelled(async move { inner.settle(locked, minted, found).await }).await
    }
}

impl Inner {
    async fn settle(
        self: Arc<Self>,
        locked: Locked,
        minted: Vec<(Key, Dot)>,
        found: Vec<Item>,
    ) -> Result<Vec<Item>, ReplicaError> {
        let bucket = locked.bucket();
        self.start.check_mint(bucket)?;
        let mut changes = Changes::default();
        for Item { key, versions } in found {
            self.observe(&versions);
            let place = changes.read(&self, bucket, key).await?;
            if let Some(change) = changes.changes.get_mut(place) {
                change.is_changed |= change.item.versions.join(versions);
                check_readable(&change.item.versions)?;
            }
        }
        let dots = self.dots.take(minted.len()).await.map_err(ReplicaError::NotBegun)?;
        let mut settled = Vec::new();
        for ((key, minted), dot) in minted.into_iter().zip(dots) {
            let place = changes.read(&self, bucket, key).await?;
            let Some(change) = changes.changes.get_mut(place) else { continue };
            let versions = &mut change.item.versions;
            let ours = versions.siblings().iter().find(|sibling| sibling.dot == minted);
            let Some(ours) = ours.filter(|_| versions.siblings().len() > 1).cloned() else {
                continue;
            };
            match versions.write(Sibling { dot, ..ours }, None) {
                Ok(()) => {}
                Err(WriteError::Limit(error)) => return Err(error.into()),
                Err(WriteError::DotUsed { .. }) => {
                    return Err(ReplicaError::OldFolder { node: self.node });
                }
            }
            change.is_changed = true;
            settled.push(change.item.clone());
        }
        if changes.changes.iter().any(|change| change.is_changed) {
            self.commit(locked, &changes.changes).await?;
        }
        Ok(settled)
    }
}
