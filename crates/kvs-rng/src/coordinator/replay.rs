//! Bringing nodes that were away what they have missed.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::env::Background;
use thiserror::Error;
use tokio::time::sleep;

use super::calls::item_len;
use super::error::RingError;
use super::message::MESSAGE_BYTES;
use super::{Coordinator, PeerError};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::replica::{Item, ReplicaError};

/// How often nodes with hints are looked at.
const REPLAY_INTERVAL: Duration = Duration::from_secs(10);
/// How many hints are replayed at a time.
const REPLAY_PAGE: usize = 100;

/// A replay did not come to its end. What was stored there is stored, and the hints of the rest are
/// kept; it may be tried again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The node could not be brought something.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// This node could not read what it has to send.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// This node could not read or remove its hints.
    #[error(transparent)]
    Hints(#[from] kvs_core::DbaError),
    /// There is no layout.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl Coordinator {
    /// Replays hints until the handle is dropped: to nodes that are [seen up](Self::seen_up), and
    /// every ten seconds to all that seem to be. One page of a hundred keys is on its way to each.
    pub fn replaying(&self) -> Background {
        let this = self.clone();
        Background::run(async move {
            loop {
                tokio::select! {
                    biased;
                    () = this.inner.seen_up.notified() => {}
                    () = sleep(REPLAY_INTERVAL) => {}
                }
                this.replay_all().await;
            }
        })
    }

    /// Says that a node that was away is there again.
    pub fn seen_up(&self, node: NodeId) {
        tracing::debug!(%node, "seen up");
        self.inner.seen_up.notify_one();
    }

    async fn replay_all(&self) {
        self.forget_gone().await;
        let counts = self.hints().counts().await;
        let replays = counts.into_keys().filter(|node| self.is_up(*node)).map(|node| async move {
            match self.replay_to(node).await {
                Ok(0) => {}
                Ok(keys) => tracing::info!(%node, keys, "a node was brought what it has missed"),
                Err(error) => tracing::debug!(%node, %error, "hints are kept for another time"),
            }
        });
        join_all(replays).await;
    }

    /// Removes hints for nodes that are no members any more. Who took the place of one repairs itself.
    async fn forget_gone(&self) {
        let Some(layout) = self.layout() else { return };
        let counts = self.hints().counts().await;
        for node in counts.into_keys().filter(|node| layout.member(*node).is_none()) {
            match self.hints().forget(node).await {
                Ok(keys) => tracing::info!(%node, keys, "forgot the hints for a node that is gone"),
                Err(error) => tracing::debug!(%node, %error, "hints for a node that is gone stay"),
            }
        }
    }

    /// Brings `node` what this node holds of all keys that there are hints of, page by page, and
    /// removes the hints. Gives how many keys.
    pub async fn replay_to(&self, node: NodeId) -> Result<u64, ReplayError> {
        let mut replayed = 0;
        loop {
            let hints = self.hints().page(node, REPLAY_PAGE).await?;
            if hints.is_empty() {
                return Ok(replayed);
            }
            let layout = self.layout_for("replay")?;
            let mut items: BTreeMap<Bucket, Vec<Item>> = BTreeMap::new();
            let (mut looked_at, mut bytes) = (Vec::new(), 0);
            for hint in hints {
                // Who doesn't hold the bucket any more needs nothing of it.
                if layout.replicas(hint.bucket).contains(&node) {
                    let versions = self.replica().get(hint.bucket, &hint.key).await?;
                    if !versions.is_empty() {
                        let item = Item { key: hint.key.clone(), versions };
                        bytes += item_len(&item);
                        items.entry(hint.bucket).or_default().push(item);
                    }
                }
                looked_at.push(hint);
                if bytes >= MESSAGE_BYTES {
                    break;
                }
            }
            for (bucket, items) in items {
                self.send(node, bucket, &items).await?;
                replayed += items.len() as u64;
            }
            self.hints().remove(node, &looked_at).await?;
        }
    }
}
