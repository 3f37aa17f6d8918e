//! Asking some replicas, and the others if those don't answer.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use kvs_core::Outcome;
use tokio::time::{Instant, sleep_until};

use super::error::{Failure, RingError, named};
use super::{HEDGE_DELAY, later};
use crate::identity::NodeId;

/// A question that is on its way.
type Asked<T> = BoxFuture<'static, (NodeId, Result<T, Failure>)>;
/// Questions that are on their way.
pub(super) type Pending<T> = FuturesUnordered<Asked<T>>;

/// Enough answers.
pub(super) struct Gathered<T> {
    /// The first ones, in the order in which they came.
    pub(super) answers: Vec<(NodeId, T)>,
    /// Others that may still come.
    pub(super) pending: Pending<T>,
}

/// How the replicas that were asked have fared.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) answered: Vec<NodeId>,
    pub(super) failed: Vec<(NodeId, Failure)>,
    /// Those that have not been heard of.
    pub(super) silent: BTreeSet<NodeId>,
}

impl Tally {
    /// The error that there were too few answers.
    pub(super) fn error(
        self,
        operation: &'static str,
        needed: usize,
        outcome: Outcome,
    ) -> RingError {
        let failed = self.failed.iter().map(|(node, failure)| named(*node, failure));
        let silent = self.silent.iter().map(|node| named(*node, "no answer in time"));
        RingError::Quorum {
            operation,
            needed,
            answered: self.answered.iter().map(NodeId::to_string).collect(),
            failed: failed.chain(silent).collect(),
            outcome,
        }
    }
}

/// Asks the first `needed` of `nodes`, and all others once one of them fails or is slow; gives the
/// first `needed` answers, or fails as soon as so many can't come any more.
///
/// A node with a newer layout than `layout` ends it: its answer would be about something else.
pub(super) async fn gather<T: Send + 'static>(
    operation: &'static str,
    layout: u64,
    nodes: &[NodeId],
    needed: usize,
    until: Instant,
    ask: impl Fn(NodeId) -> BoxFuture<'static, Result<T, Failure>>,
) -> Result<Gathered<T>, RingError> {
    let asked = |node: NodeId| -> Asked<T> {
        let answer = ask(node);
        Box::pin(async move { (node, answer.await) })
    };
    let (first, others) = nodes.split_at(needed.min(nodes.len()));
    let mut others = Some(others);
    let pending: Pending<T> = first.iter().map(|node| asked(*node)).collect();
    let mut gathered = Gathered { answers: Vec::with_capacity(needed), pending };
    let mut failed: Vec<(NodeId, Failure)> = Vec::new();
    let hedge_at = later(HEDGE_DELAY);
    let mut is_late = false;
    loop {
        if gathered.answers.len() >= needed {
            return Ok(gathered);
        }
        let possible = nodes.len() - failed.len();
        if possible < needed || is_late {
            break;
        }
        let mut ask_others = false;
        tokio::select! {
            biased;
            Some((node, answer)) = gathered.pending.next() => match answer {
                Ok(answer) => gathered.answers.push((node, answer)),
                Err(Failure::Layout { mine }) if mine > layout => {
                    return Err(RingError::LayoutChanged { operation, from: node });
                }
                Err(failure) => {
                    failed.push((node, failure));
                    ask_others = true;
                }
            },
            () = sleep_until(until) => is_late = true,
            () = sleep_until(hedge_at), if others.is_some() => ask_others = true,
        }
        if ask_others && let Some(others) = others.take() {
            gathered.pending.extend(others.iter().map(|node| asked(*node)));
        }
    }
    let answered: Vec<_> = gathered.answers.iter().map(|(node, _)| *node).collect();
    let mut silent: BTreeSet<_> = nodes.iter().copied().collect();
    for node in answered.iter().chain(failed.iter().map(|(node, _)| node)) {
        silent.remove(node);
    }
    Err(Tally { answered, failed, silent }.error(operation, needed, Outcome::NotApplied))
}
