//! Locks of buckets, and their leaves in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use kvs_core::store::Raw;
use kvs_core::{Order, Result};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::leaves::{LEAVES, Leaves};
use super::rows;
use crate::hash::Bucket;

/// How many locks the buckets share.
const STRIPES: usize = 256;

/// The leaves of each bucket that was touched, behind the bucket's lock.
pub(super) struct Buckets {
    stripes: Vec<Stripe>,
}

type Stripe = Arc<Mutex<BTreeMap<Bucket, Option<Leaves>>>>;

/// A bucket that nobody else changes.
pub(super) struct Locked {
    bucket: Bucket,
    stripe: OwnedMutexGuard<BTreeMap<Bucket, Option<Leaves>>>,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Stripe::default()).collect() }
    }

    /// Waits for the lock of a bucket; waiters are served in order.
    #[expect(clippy::indexing_slicing, reason = "there are as many stripes as remainders")]
    pub(super) async fn lock(&self, bucket: Bucket) -> Locked {
        let stripe = self.stripes[bucket.0 as usize % STRIPES].clone();
        Locked { bucket, stripe: stripe.lock_owned().await }
    }

    /// Waits until whoever holds a lock now has given it back.
    pub(super) async fn wait_for_all(&self) {
        for stripe in &self.stripes {
            drop(stripe.lock().await);
        }
    }
}

impl Locked {
    pub(super) fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// The bucket's leaves, which are read if they aren't in memory. They are taken out: whoever
    /// knows afterwards what they are puts them [back](Self::put_back), and nobody is left with
    /// wrong ones.
    pub(super) async fn take_leaves(&mut self, raw: &Raw) -> Result<Leaves> {
        if let Some(leaves) = self.stripe.entry(self.bucket).or_default().take() {
            return Ok(leaves);
        }
        let range = rows::leaves_range(self.bucket);
        let rows = raw.scan(range, Order::Ascending, LEAVES, usize::MAX).await?;
        rows::read_leaves(&rows)
    }

    pub(super) fn put_back(&mut self, leaves: Leaves) {
        self.stripe.insert(self.bucket, Some(leaves));
    }
}
