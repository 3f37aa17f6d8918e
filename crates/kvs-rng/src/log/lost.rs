//! News of buckets that this node owns no longer.

use tokio::sync::broadcast;

use crate::hash::Bucket;

/// How many of them are kept for a listener that is slow.
const KEPT: usize = 4_096;

pub(super) struct Lost(broadcast::Sender<Bucket>);

impl Default for Lost {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Lost {
    pub(super) fn send(&self, bucket: Bucket) {
        // Nobody may listen.
        let _ = self.0.send(bucket);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Bucket> {
        self.0.subscribe()
    }
}
