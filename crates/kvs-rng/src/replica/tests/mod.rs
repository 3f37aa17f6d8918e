//! Tests of replicas.

mod concurrent;
pub(crate) mod disk;
mod dropped;
mod failing;
mod formats;
mod limits;
mod model;
mod starting;
mod syncing;

use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::{Env, ManualClock};
use kvs_core::{Key, Store};

use super::*;
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::version::{AHEAD_MAX, Dot, HybridClock, Sibling, Timestamp, Versions};

const NOW_MS: u64 = 1_700_000_000_000;
const BUCKET: Bucket = Bucket(7);

fn id(n: u8) -> NodeId {
    NodeId::from_bytes([n; 16])
}

fn clock() -> (Arc<HybridClock>, Arc<ManualClock>) {
    let (env, manual) = Env::manual(NOW_MS, 1);
    (Arc::new(HybridClock::new(&env, AHEAD_MAX)), manual)
}

/// A replica on a system that never went down.
async fn open(store: &Store, n: u8) -> Replica {
    Replica::open(store, id(n), clock().0, Some("boot".to_owned()), false).await.unwrap()
}

/// All items of a bucket, read in short pages.
async fn all(replica: &Replica, bucket: Bucket) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    loop {
        let after = found.last().map(|item| item.key.clone());
        let (items, is_more) = replica.page(bucket, after.as_ref(), 2, usize::MAX).await.unwrap();
        assert!(items.len() == 2 || !is_more);
        found.extend(items);
        if !is_more {
            return found;
        }
    }
}

/// The leaves as they should be.
async fn recomputed(replica: &Replica, bucket: Bucket) -> Leaves {
    let mut leaves = Leaves::default();
    for Item { key, versions } in all(replica, bucket).await {
        let stored = rows::key(Bucket(0), &key);
        let leaf = Replica::leaf(&key);
        leaves.set(leaf, leaves.sum(leaf).wrapping_add(versions.digest(rows::inner(&stored))));
    }
    leaves
}

async fn assert_no_drift(replica: &Replica, bucket: Bucket) {
    assert_eq!(replica.digests(bucket).await.unwrap(), recomputed(replica, bucket).await);
}

fn values(versions: &Versions) -> Vec<Option<&[u8]>> {
    versions.siblings().iter().map(|sibling| sibling.value.as_deref()).collect()
}
