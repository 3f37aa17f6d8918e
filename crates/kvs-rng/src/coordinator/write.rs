//! Quorum writes: who mints.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::env::uncancelled;
use kvs_core::limits::{self, BATCH_BYTES_MAX, BATCH_OPS_MAX};
use kvs_core::{CallOptions, Consistency, Key, Outcome};
use tokio::time::Instant;

use super::error::{Failure, RingError, named};
use super::gather::Tally;
use super::message::{self, BucketRequest, Bytes, RowMessage, WriteRequest};
use super::{Coordinator, LAYOUT_TRIES, later};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::{Item, Write};
use crate::version::Dot;

/// How long a node that seems to be down is given to show that it is not.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

impl Coordinator {
    /// Writes rows of a partition, all or none, and returns when W replicas have them.
    ///
    /// Several writes of one row take effect in order. Dropping the future stops nothing. The error's
    /// [`outcome`](RingError::outcome) says what it left behind: *not applied* means that nothing was
    /// minted anywhere.
    pub async fn write(
        &self,
        partition: &[u8],
        writes: Vec<Write>,
        options: &CallOptions,
    ) -> Result<(), RingError> {
        let bytes = check(partition, &writes)?;
        if writes.is_empty() {
            return Ok(());
        }
        let until = self.until("write", options)?;
        let permit = self.inner.in_flight.write(bytes, until).await?;
        let (this, partition) = (self.clone(), partition.to_vec());
        uncancelled(async move {
            let _permit = permit;
            this.write_until(&partition, writes, until).await
        })
        .await
    }

    async fn write_until(
        &self,
        partition: &[u8],
        writes: Vec<Write>,
        until: Instant,
    ) -> Result<(), RingError> {
        let mut tries = 0;
        loop {
            let layout = self.layout_for("write")?;
            match self.write_under(layout, partition, &writes, until).await {
                Err(RingError::LayoutChanged { from, .. }) if tries < LAYOUT_TRIES => {
                    tries += 1;
                    self.fetch_layout(from).await;
                }
                done => return done,
            }
        }
    }

    async fn write_under(
        &self,
        layout: Arc<Layout>,
        partition: &[u8],
        writes: &[Write],
        until: Instant,
    ) -> Result<(), RingError> {
        let bucket = layout.bucket_of(partition);
        self.look_for_quorum(&layout, bucket, until).await?;
        let mut nodes = self.preferred(layout.replicas(bucket));
        let mut tally = Tally::default();
        if nodes.first() == Some(&self.id()) {
            match self.mint(&layout, partition, writes.to_vec(), until).await {
                Err(error) if error.is_elsewhere() && nodes.len() > 1 => {
                    tally.failed.push((nodes.remove(0), error.into()));
                }
                done => return done,
            }
        }
        self.forward(&layout, &nodes, partition, writes, tally, until).await
    }

    /// Refuses a write for which W replicas are not to be had, before anything is minted. Asks those
    /// that seem to be down only if it depends on them.
    pub(super) async fn look_for_quorum(
        &self,
        layout: &Layout,
        bucket: Bucket,
        until: Instant,
    ) -> Result<(), RingError> {
        let needed = usize::from(layout.quorum().w);
        let (up, down): (Vec<_>, Vec<_>) =
            layout.replicas(bucket).iter().partition(|node| self.is_up(**node));
        if up.len() >= needed {
            return Ok(());
        }
        let until = until.min(later(PROBE_TIMEOUT));
        let request = BucketRequest { layout: layout.version(), bucket: bucket.0 };
        let body = message::encode(&request)?;
        let probes = down.iter().map(|node| self.call(*node, message::PROBE, body.clone(), until));
        let mut tally = Tally { answered: up, ..Tally::default() };
        for (node, probed) in down.iter().zip(join_all(probes).await) {
            match probed {
                Ok(()) => tally.answered.push(*node),
                Err(Failure::Layout { mine }) if mine > layout.version() => {
                    return Err(RingError::LayoutChanged { operation: "write", from: *node });
                }
                Err(failure) => tally.failed.push((*node, failure)),
            }
        }
        if tally.answered.len() >= needed {
            return Ok(());
        }
        Err(tally.error("write", needed, Outcome::NotApplied))
    }

    /// Mints here and replicates.
    pub(super) async fn mint(
        &self,
        layout: &Layout,
        partition: &[u8],
        writes: Vec<Write>,
        until: Instant,
    ) -> Result<(), RingError> {
        let bucket = layout.bucket_of(partition);
        for write in &writes {
            self.catch_up(bucket, partition, write, until).await?;
        }
        let blind: BTreeSet<Vec<u8>> = writes
            .iter()
            .filter(|write| write.seen.is_none())
            .map(|write| write.clustering.clone())
            .collect();
        let items = self.replica().mint_unsynced(bucket, partition, writes).await?;
        let minted: Vec<(Key, Dot)> = items.iter().map(|item| self.newest(item)).collect();
        let mut found = self.replicate(layout, bucket, items, until).await?;
        // Any W replicas share one with those that have acknowledged an earlier write. So whatever was
        // acknowledged before this write began, and its minter had missed, is among what was found,
        // and must not stand beside this write: by its timestamp it might even win.
        found.retain(|item| blind.contains(item.key.clustering()));
        if found.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            // This node stood still meanwhile. The caller has gone, and others may have written since.
            let outcome = Outcome::Unknown;
            return Err(Tally::default().error("write", usize::from(layout.quorum().w), outcome));
        }
        let settled = self.replica().settle(bucket, minted, found).await;
        // The write is minted, whatever becomes of it here.
        let settled = settled.map_err(|error| RingError::Refused {
            operation: "write",
            by: self.id(),
            reason: error.to_string(),
            outcome: Outcome::Unknown,
            is_retryable: true,
        })?;
        if settled.is_empty() {
            return Ok(());
        }
        self.replicate(layout, bucket, settled, until).await.map(drop)
    }

    /// The newest write of this node to a key.
    fn newest(&self, item: &Item) -> (Key, Dot) {
        let counter = item.versions.context().counter(self.id());
        (item.key.clone(), Dot::new(self.id(), counter))
    }

    /// Before it mints a write that builds on something it has not seen, the replica learns what the
    /// others hold. If they can't be asked the write will stand beside what it was to replace.
    async fn catch_up(
        &self,
        bucket: Bucket,
        partition: &[u8],
        write: &Write,
        until: Instant,
    ) -> Result<(), RingError> {
        let Some(seen) = &write.seen else { return Ok(()) };
        let key = Key::new(partition, write.clustering.clone());
        if self.replica().get(bucket, &key).await?.has_seen(seen) {
            return Ok(());
        }
        if let Ok(versions) = self.read_until(&key, Consistency::Linearizable, until).await {
            self.replica().store(bucket, vec![Item { key, versions }]).await?;
        }
        Ok(())
    }

    /// Has the first of `nodes` that can be reached mint it; `tally` has those that were tried before.
    async fn forward(
        &self,
        layout: &Layout,
        nodes: &[NodeId],
        partition: &[u8],
        writes: &[Write],
        mut tally: Tally,
        until: Instant,
    ) -> Result<(), RingError> {
        let operation = "write";
        for node in nodes {
            let left = until.saturating_duration_since(Instant::now());
            // So that its answer, also that it knows no outcome, still comes in time.
            let deadline_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX) / 10 * 9;
            let body = message::encode(&WriteRequest {
                layout: layout.version(),
                partition: Bytes(partition.to_vec()),
                rows: writes.iter().map(RowMessage::from).collect(),
                deadline_ms,
            })?;
            let failure = match self.call(*node, message::WRITE, body, until).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            match failure {
                Failure::Layout { mine } if mine > layout.version() => {
                    return Err(RingError::LayoutChanged { operation, from: *node });
                }
                Failure::Refused(refusal) if !refusal.elsewhere => {
                    return Err(RingError::Refused {
                        operation,
                        by: *node,
                        reason: refusal.reason,
                        outcome: outcome(refusal.is_unknown),
                        is_retryable: refusal.is_retryable,
                    });
                }
                Failure::Short(short) => {
                    return Err(RingError::Quorum {
                        operation,
                        needed: short.needed as usize,
                        answered: message::shortened_all(&short.answered),
                        failed: message::shortened_all(&short.failed),
                        outcome: outcome(short.is_unknown),
                    });
                }
                Failure::NotSent(_) | Failure::Layout { .. } | Failure::Refused(_) => {
                    tally.failed.push((*node, failure));
                }
                // It may have minted: to ask another one could write twice.
                Failure::Lost(_) | Failure::Message(_) => {
                    return Err(RingError::Quorum {
                        operation,
                        needed: usize::from(layout.quorum().w),
                        answered: Vec::new(),
                        failed: vec![named(*node, failure)],
                        outcome: Outcome::Unknown,
                    });
                }
            }
        }
        Err(tally.error(operation, usize::from(layout.quorum().w), Outcome::NotApplied))
    }
}

fn outcome(is_unknown: bool) -> Outcome {
    if is_unknown { Outcome::Unknown } else { Outcome::NotApplied }
}

/// Checks a batch against its limits, and gives its size in bytes.
pub(super) fn check(partition: &[u8], writes: &[Write]) -> Result<usize, RingError> {
    limits::check_partition(partition)?;
    limits::at_most("operations in a batch", writes.len(), BATCH_OPS_MAX)?;
    let mut bytes = 0;
    for write in writes {
        let value = write.value.as_deref().unwrap_or_default();
        limits::check_clustering(&write.clustering)?;
        limits::check_value(value)?;
        bytes += write.clustering.len() + value.len();
    }
    // A single value may be as large as a batch, and has a key beside it.
    if writes.len() > 1 {
        limits::at_most("bytes in a batch", bytes, BATCH_BYTES_MAX)?;
    }
    Ok(bytes)
}
