//! Keeps the consensus in step with the layout.
//!
//! Runs on every node and acts on the leader: it compares who gets the log and who votes with the
//! members of the layout, and takes one [`Step`] at a time. Each step is a membership change of Raft,
//! safe at any moment; a steward that stops half way is continued by the next leader's.

use std::time::Duration;

use openraft::{ChangeMembers, RaftMetrics, ServerState};
use tokio::time::{Instant, sleep, timeout};

use super::config::{ConsensusConfig, Peer, Raft, RaftId};
use super::network::Caller;
use super::policy::{Step, View, next_step};
use super::published::Published;
use crate::identity::NodeId;

/// How many entries a node may lack and still be said to have the log.
const LAG_MAX: u64 = 8;
/// Longest pause after a step that failed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The steward of one node.
pub(crate) struct Steward {
    pub(crate) id: NodeId,
    pub(crate) raft: Raft,
    pub(crate) published: Published,
    pub(crate) caller: Caller,
    pub(crate) config: ConsensusConfig,
}

impl Steward {
    /// Works until it is dropped or the consensus stops.
    pub(crate) async fn run(self) {
        let mut metrics = self.raft.metrics();
        let mut layouts = self.published.watch();
        let mut pause = self.config.heartbeat;
        let mut leading_since = None;
        loop {
            if metrics.has_changed().is_err() {
                return;
            }
            let leads = metrics.borrow_and_update().state == ServerState::Leader;
            if !leads {
                leading_since = None;
                if metrics.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let since = *leading_since.get_or_insert_with(Instant::now);
            let step = self.step(&metrics.borrow().clone(), since);
            let Some(step) = step else {
                pause = self.config.heartbeat;
                tokio::select! {
                    biased;
                    changed = layouts.changed() => if changed.is_err() { return },
                    () = sleep(pause) => {}
                }
                continue;
            };
            pause = match self.take(&step).await {
                // Enough for the step to show in the metrics.
                Ok(()) => self.config.heartbeat / 5,
                Err(problem) => {
                    tracing::warn!(
                        ?step,
                        problem,
                        "the voters on the layout stay as they are for now"
                    );
                    (pause * 2).min(PAUSE_MAX)
                }
            };
            sleep(pause).await;
        }
    }

    fn step(&self, metrics: &RaftMetrics<RaftId, Peer>, since: Instant) -> Option<Step> {
        let layout = self.published.layout()?;
        let membership = metrics.membership_config.membership();
        let behind = metrics.last_log_index.unwrap_or_default().saturating_sub(LAG_MAX);
        let caught_up = |id: NodeId| {
            let matched = metrics.replication.as_ref().and_then(|all| all.get(&RaftId(id)));
            let matched = matched.and_then(|matched| matched.as_ref());
            id == self.id || matched.is_some_and(|matched| matched.index >= behind)
        };
        let silent = |id: NodeId| {
            let heard = self.caller.heard(id).map_or(since, |heard| heard.max(since));
            id != self.id && heard.elapsed() > self.config.voter_grace
        };
        let view = View {
            leader: self.id,
            nodes: membership.nodes().map(|(id, peer)| (id.0, peer.address)).collect(),
            voters: membership
                .get_joint_config()
                .iter()
                .map(|voters| voters.iter().map(|id| id.0).collect())
                .collect(),
            caught_up: &caught_up,
            silent: &silent,
        };
        next_step(&layout, &view)
    }

    async fn take(&self, step: &Step) -> Result<(), String> {
        tracing::info!(?step, "the voters on the layout change");
        let change = match step {
            Step::Reach(id, address) => {
                ChangeMembers::SetNodes([(RaftId(*id), Peer { address: *address })].into())
            }
            Step::Vote(voters) => {
                ChangeMembers::ReplaceAllVoters(voters.iter().map(|id| RaftId(*id)).collect())
            }
            Step::Dismiss(id) => ChangeMembers::RemoveNodes([RaftId(*id)].into()),
        };
        let change = self.raft.change_membership(change, true);
        match timeout(self.config.election_max * 2, change).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a majority of the voters did not answer in time".to_owned()),
        }
    }
}
