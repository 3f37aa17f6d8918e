//! Which nodes can be reached, by what calls have shown lately.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kvs_core::Result;
use tokio::time::Instant;

use super::bucket::{BucketLog, Role};
use super::driver::Driver;
use super::{OWNS, format};
use crate::hash::Bucket;
use crate::identity::NodeId;

const WHAT: &str = "question for an owner";
/// How long the answer may take: a node that is slower is as good as none.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long it counts.
const FRESH: Duration = Duration::from_millis(200);
/// How long a failed call speaks against a node.
const SHUNNED: Duration = Duration::from_secs(1);

/// What is known of the reach of other nodes. A preference, never a promise.
#[derive(Default)]
pub(super) struct Reach {
    seen: Mutex<BTreeMap<NodeId, Seen>>,
}

#[derive(Clone, Default)]
struct Seen {
    failed: Option<Instant>,
}

impl Reach {
    fn note(&self, node: NodeId, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        change(seen.entry(node).or_default());
    }

    fn seen(&self, node: NodeId) -> Seen {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(node).or_default().clone()
    }

    /// A call was answered.
    pub(super) fn answered(&self, node: NodeId) {
        self.note(node, |seen| {
            seen.failed = None;
        });
    }

    /// A call was not.
    pub(super) fn failed(&self, node: NodeId) {
        self.note(node, |seen| seen.failed = Some(Instant::now()));
    }

    /// Whether a call to it has failed a moment ago, and none was answered since.
    pub(super) fn is_shunned(&self, node: NodeId) -> bool {
        self.seen(node).failed.is_some_and(|at| at.elapsed() < SHUNNED)
    }
}

impl Driver {
    /// Whether `node` seems to be there, by gossip and by what calls have shown.
    pub(super) fn seems_up(&self, node: NodeId) -> bool {
        node == self.id || (self.peers.is_up(node) && !self.reach.is_shunned(node))
    }

    /// Whether `node` is there and says that it owns the bucket, or is about to. Many who want to know
    /// at the same time share one call.
    pub(super) async fn owns(&self, bucket: &BucketLog, node: NodeId) -> bool {
        if !self.seems_up(node) {
            return false;
        }
        let mut said = bucket.said.lock().await;
        if let Some((who, at, owns)) = *said
            && who == node
            && at.elapsed() < FRESH
        {
            return owns;
        }
        let Ok(body) = format::encode(WHAT, &bucket.id.0) else { return false };
        let answer = self.peers.call(node, OWNS, body, PROBE_TIMEOUT).await;
        match &answer {
            Ok(_) => self.reach.answered(node),
            Err(_) => self.reach.failed(node),
        }
        let owns = answer.is_ok_and(|answer| format::decode(WHAT, &answer).unwrap_or(false));
        *said = Some((node, Instant::now(), owns));
        owns
    }

    /// Answers that of another node.
    pub(super) fn handle_owns(&self, body: &[u8]) -> Result<Vec<u8>> {
        let bucket = self.opened(Bucket(format::decode(WHAT, body)?));
        let owns = bucket.is_some_and(|it| {
            matches!(it.now().role, Role::Serving { .. } | Role::Trying) && !self.is_closed()
        });
        format::encode(WHAT, &owns)
    }
}
