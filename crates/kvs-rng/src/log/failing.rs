//! A node whose disk takes no writes, as a full one.
//!
//! It can neither own a bucket nor be one of a majority. But it is up, and others would go on asking it
//! for what it owned. So for a moment after each write that failed it takes no part: it answers no
//! messages of logs, names other owners, and tells the replicas of what it could not write. They take it
//! for a node that is out of reach, and go on without it. After that moment the next write shows whether
//! it is over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs_core::DbaError;
use kvs_core::env::spawn;
use tokio::time::Instant;

use super::driver::Driver;
use super::{FAILS, error};
use crate::identity::NodeId;

/// How long after a failed write this node takes no part.
const PAUSE: Duration = Duration::from_secs(1);
/// How long telling a replica may take.
const TELL_TIMEOUT: Duration = Duration::from_millis(500);

/// What the last write of the logs ended with.
#[derive(Default)]
pub(super) struct Failing(Mutex<Option<Failed>>);

struct Failed {
    at: Instant,
    why: String,
}

impl Failing {
    fn last(&self) -> MutexGuard<'_, Option<Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a write has failed with a moment ago, if none was done since.
    pub(super) fn why(&self) -> Option<String> {
        let last = self.last();
        let failed = last.as_ref().filter(|failed| failed.at.elapsed() < PAUSE)?;
        Some(failed.why.clone())
    }

    /// Refuses to take part for a moment after a write that failed.
    pub(super) fn check(&self) -> Result<(), DbaError> {
        self.why().map_or(Ok(()), |why| Err(error::elsewhere(&why)))
    }
}

impl Driver {
    /// A write of the logs was done.
    pub(super) fn written(&self) {
        if self.failing.last().take().is_some() {
            tracing::info!(node = %self.id, "the logs of this node are written again");
        }
    }

    /// A write of logs that `replicas` have, too, was not.
    pub(super) fn not_written(self: &Arc<Self>, error: &DbaError, replicas: BTreeSet<NodeId>) {
        let failed = Failed { at: Instant::now(), why: error.to_string() };
        let before = self.failing.last().replace(failed);
        if before.is_none() {
            tracing::error!(node = %self.id, %error,
                "the logs of this node can't be written; others own their buckets meanwhile");
        }
        for to in replicas.into_iter().filter(|to| *to != self.id) {
            let driver = self.clone();
            // Who doesn't hear it finds out.
            spawn(async move {
                let _ = driver.peers.call(to, FAILS, Vec::new(), TELL_TIMEOUT).await;
            });
        }
    }

    /// Takes note that another node can't write its logs.
    pub(super) fn handle_fails(&self, from: NodeId) -> Vec<u8> {
        self.reach.failed(from);
        Vec::new()
    }
}
