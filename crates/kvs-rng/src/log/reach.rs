//! Which nodes can be reached, by what calls have shown lately.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::driver::Driver;
use super::{REQUEST, format};
use crate::identity::NodeId;

/// How long a probe may take: a node that is slower is as good as none.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an answer speaks for its node.
const FRESH: Duration = Duration::from_millis(200);
/// How long a failure speaks against it.
const SHUNNED: Duration = Duration::from_secs(1);

/// What is known of the reach of other nodes. A preference, never a promise.
#[derive(Default)]
pub(super) struct Reach {
    seen: Mutex<BTreeMap<NodeId, Seen>>,
}

#[derive(Clone, Default)]
struct Seen {
    answered: Option<Instant>,
    failed: Option<Instant>,
    /// One probe at a time.
    probe: Arc<tokio::sync::Mutex<()>>,
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
            seen.answered = Some(Instant::now());
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

    /// Asks `node` whether it is there, unless that is known.
    pub(super) async fn probe(&self, node: NodeId) -> bool {
        if !self.seems_up(node) {
            return false;
        }
        let seen = self.reach.seen(node);
        let _one_at_a_time = seen.probe.lock().await;
        let seen = self.reach.seen(node);
        if seen.answered.is_some_and(|at| at.elapsed() < FRESH) {
            return true;
        }
        if self.reach.is_shunned(node) {
            return false;
        }
        let Ok(nothing) = format::encode("no messages", &[0_u8; 0].as_slice()) else { return false };
        let is_there = self.peers.call(node, REQUEST, nothing, PROBE_TIMEOUT).await.is_ok();
        if is_there { self.reach.answered(node) } else { self.reach.failed(node) }
        is_there
    }
}
