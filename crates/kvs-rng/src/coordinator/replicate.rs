//! Bringing what was minted here to the other replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use kvs_core::{Key, Outcome, env};
use tokio::time::{Instant, sleep_until};

use super::calls::item_len;
use super::error::{Failure, RingError};
use super::gather::{Pending, Tally};
use super::{Coordinator, later};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::Item;
use crate::transport::frame::FRAME_MAX;

/// What a frame has room for beside a message of items.
const FRAME_SLACK: usize = 64 << 10;

impl Coordinator {
    /// Returns when W replicas have `items`, or as soon as they can't. The others get them in the
    /// background, or a hint. Gives what those W held more of the same keys.
    ///
    /// `items` are in the store of this replica. It counts as one of the W once they are synced, which
    /// goes on while the others are asked, and is not waited for if W others are faster.
    pub(super) async fn replicate(
        &self,
        layout: &Layout,
        bucket: Bucket,
        items: Vec<Item>,
        until: Instant,
    ) -> Result<Vec<Item>, RingError> {
        let needed = usize::from(layout.quorum().w);
        let others = layout.replicas(bucket).iter().filter(|node| **node != self.id());
        let mut tally = Tally { silent: others.copied().collect(), ..Tally::default() };
        // Who is slow may have longer than the caller.
        let until_stored = until.max(later(self.inner.gather_timeout));
        let items: Arc<[Item]> = items.into();
        let mut pending: Pending<Vec<Item>> = Pending::new();
        let mut more = Vec::new();
        let (id, replica) = (self.id(), self.replica().clone());
        pending.push(Box::pin(async move {
            let synced = replica.synced().await;
            (id, synced.map(|()| Vec::new()).map_err(Failure::from))
        }));
        for node in tally.silent.iter().copied() {
            let (this, items) = (self.clone(), items.clone());
            pending.push(Box::pin(async move {
                // A batch is one message, if that is possible at all: it is stored as a whole.
                let bytes_max = FRAME_MAX - FRAME_SLACK;
                (node, this.store_at(node, bucket, &items, bytes_max, until_stored).await)
            }));
        }
        let mut is_late = false;
        let is_enough = loop {
            if tally.answered.len() >= needed {
                break true;
            }
            if is_late || tally.answered.len() + pending.len() < needed {
                break false;
            }
            tokio::select! {
                biased;
                Some((node, stored)) = pending.next() => {
                    tally.silent.remove(&node);
                    match stored {
                        Ok(held) => {
                            tally.answered.push(node);
                            more.extend(held);
                        }
                        Err(failure) => tally.failed.push((node, failure)),
                    }
                }
                () = sleep_until(until) => is_late = true,
            }
        };
        let missed = tally.failed.iter().map(|(node, _)| *node).filter(|node| *node != self.id());
        let missed = missed.collect();
        self.finish_later(bucket, items, pending, missed, tally.silent.clone());
        if is_enough { Ok(more) } else { Err(tally.error("write", needed, Outcome::Unknown)) }
    }

    /// Waits for the other replicas, and keeps hints for those that have `missed` it. If too much
    /// waits already, those that are `silent` get hints at once.
    fn finish_later(
        &self,
        bucket: Bucket,
        items: Arc<[Item]>,
        mut pending: Pending<Vec<Item>>,
        mut missed: Vec<NodeId>,
        mut silent: BTreeSet<NodeId>,
    ) {
        if pending.is_empty() && missed.is_empty() {
            return;
        }
        let this = self.clone();
        let bytes = items.iter().map(item_len).sum::<usize>().saturating_mul(1 + pending.len());
        let permit = self.inner.in_flight.late(bytes);
        if permit.is_none() {
            pending.clear();
        }
        let finish = async move {
            let _permit = permit;
            while let Some((node, stored)) = pending.next().await {
                silent.remove(&node);
                // This node has it in its store; there is no hint for oneself.
                if let Err(failure) = stored
                    && node != this.id()
                {
                    tracing::debug!(%node, %bucket, %failure, "a replica has missed a write");
                    missed.push(node);
                }
            }
            missed.extend(silent);
            let keys: Vec<&Key> = items.iter().map(|item| &item.key).collect();
            for node in missed {
                if let Err(error) = this.hints().add(node, bucket, &keys).await {
                    tracing::warn!(%node, %error, "a hint was not kept");
                }
            }
        };
        env::spawn(finish);
    }
}
