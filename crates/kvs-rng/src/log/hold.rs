//! Holding commands back for a moment, at a node that has no entities yet.
//!
//! The replicas of a bucket may change abruptly only while its log is empty everywhere: then nothing was
//! ever committed, and whoever has a majority afterwards has all there is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kvs_core::{Order, Range, Result};
use tokio::time::Instant;

use super::Logs;
use super::bucket::BucketLog;
use super::driver::Driver;
use super::format;
use super::rows;

/// Until when no bucket is used.
#[derive(Default)]
pub(super) struct Hold(Mutex<Option<Instant>>);

impl Hold {
    fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether commands and messages are refused at present.
    pub(super) fn is_on(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}

impl Logs {
    /// Whether this node has no entry and no row of any entity; if so, it takes no commands and no
    /// messages of logs for `time`, or until [`release`](Self::release). Promises that it has made don't
    /// count. For changes of the layout that commands must not slip into.
    ///
    /// Costs a read for each thousand buckets that were ever used.
    pub async fn hold_if_empty(&self, time: Duration) -> Result<bool> {
        let driver = &self.driver;
        driver.hold.set(Some(Instant::now() + time));
        // What began before is seen below; what begins after is refused.
        let is_empty = driver.is_empty().await;
        if !matches!(is_empty, Ok(true)) {
            driver.hold.set(None);
        }
        is_empty
    }

    /// Lets commands go on.
    pub fn release(&self) {
        self.driver.hold.set(None);
    }
}

impl Driver {
    /// Whether no bucket has an entry or a row. Those in memory that have none end, as in a crash, so
    /// that nothing comes of what is under way there.
    async fn is_empty(&self) -> Result<bool> {
        for bucket in self.all_opened() {
            if !self.ends_if_empty(&bucket) {
                return Ok(false);
            }
        }
        Ok(!self.has_any(rows::everything()).await?
            && !self.has_any(format::all_entries()).await?
            && format::heads(&self.raw).await?.iter().all(|(_, head)| head.is_empty()))
    }

    fn ends_if_empty(&self, bucket: &Arc<BucketLog>) -> bool {
        let mut state = bucket.lock();
        let is_empty = state.core.log().is_empty();
        if is_empty {
            self.give_up_locked(bucket, &mut state);
        }
        is_empty
    }

    async fn has_any(&self, range: Range) -> Result<bool> {
        Ok(!self.raw.scan(range, Order::Ascending, 1, 1).await?.is_empty())
    }
}
