//! Changes of the layout on their way through the leader.
//!
//! The leader makes sure that it still leads and knows all that was agreed, makes the next layout of
//! the newest one, and puts that to the vote. One proposal at a time; should another leader's come in
//! between, the log finds the proposal stale and the leader makes it anew. So changes are ordered by the
//! log, and each is made of the layout that it takes the place of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use openraft::error::{CheckIsLeaderError, RaftError};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::config::{Decision, Proposal, Raft};
use super::network::Caller;
use super::published::Published;
use super::wire::{Answer, Body, ProposeMessage, Proposed};
use crate::identity::NodeId;
use crate::layout::{Change, Layout};

/// Most changes under way through one node.
pub const PROPOSALS_MAX: usize = 64;
/// Longest time that one change is given.
pub const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// Pause before a leader is looked for again.
const PAUSE: Duration = Duration::from_millis(100);

/// Says which changes are wanted, beyond those that make sense: the leader asks before it proposes.
#[async_trait]
pub trait Admission: Send + Sync + 'static {
    /// Whether `change` may be made of `layout`; if not, why.
    async fn admit(&self, layout: &Layout, change: &Change) -> Result<(), Denial>;
}

/// Why a change is not wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is not, as long as things stand so.
    Refused(String),
    /// It can't be found out now. It may be proposed again.
    NotNow(String),
}

impl From<String> for Denial {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

/// Every change is wanted.
#[derive(Clone, Copy, Debug)]
pub struct AdmitAll;

#[async_trait]
impl Admission for AdmitAll {
    async fn admit(&self, _layout: &Layout, _change: &Change) -> Result<(), Denial> {
        Ok(())
    }
}

/// Takes changes to the leader, and makes them if it is this node.
pub(crate) struct Proposer {
    id: NodeId,
    raft: Raft,
    published: Published,
    caller: Caller,
    admission: Arc<dyn Admission>,
    room: Semaphore,
    turn: Mutex<()>,
}

impl Proposer {
    pub(crate) fn new(
        id: NodeId,
        raft: Raft,
        published: Published,
        caller: Caller,
        admission: Arc<dyn Admission>,
    ) -> Self {
        let (room, turn) = (Semaphore::new(PROPOSALS_MAX), Mutex::new(()));
        Self { id, raft, published, caller, admission, room, turn }
    }

    /// Makes a change, wherever the leader is, within `deadline`.
    pub(crate) async fn propose(&self, change: &Change, deadline: Duration) -> Proposed {
        let until = Instant::now() + deadline.min(DEADLINE_MAX);
        for attempt in 0.. {
            let left = until.saturating_duration_since(Instant::now());
            let mut proposed = self.attempt(change, left, true).await;
            if let (Proposed::NoLeader, Some(helper)) = (&proposed, self.helper(attempt)) {
                let left = until.saturating_duration_since(Instant::now());
                proposed = self.pass_on(change, left, helper, true).await;
            }
            let left = until.saturating_duration_since(Instant::now());
            match proposed {
                Proposed::NoLeader if left > PAUSE => sleep(PAUSE).await,
                proposed => return proposed,
            }
        }
        Proposed::NoLeader
    }

    /// A member that may know the leader when this node knows none or can't reach it: another one for
    /// each attempt.
    fn helper(&self, attempt: usize) -> Option<(NodeId, SocketAddr)> {
        let layout = self.published.layout()?;
        let others = layout.members().values().filter(|member| member.id != self.id);
        let count = layout.members().len().saturating_sub(1).max(1);
        others.map(|member| (member.id, member.address)).nth(attempt % count)
    }

    /// Serves another node's proposal.
    pub(crate) async fn serve(&self, message: ProposeMessage) -> Proposed {
        let deadline = Duration::from_millis(message.deadline_ms).min(DEADLINE_MAX);
        self.attempt(&message.change, deadline, message.pass_on).await
    }

    async fn attempt(&self, change: &Change, deadline: Duration, pass_on: bool) -> Proposed {
        let Ok(_room) = self.room.try_acquire() else { return Proposed::Busy };
        let (leader, address) = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow();
            let Some(leader) = metrics.current_leader else { return Proposed::NoLeader };
            let peer = metrics.membership_config.membership().get_node(&leader);
            (leader.0, peer.map(|peer| peer.address))
        };
        if leader == self.id {
            return self.lead(change, deadline).await;
        }
        let layout = self.published.layout();
        let member = layout.as_ref().and_then(|layout| layout.member(leader));
        let Some(address) = member.map(|member| member.address).or(address) else {
            return Proposed::NoLeader;
        };
        if !pass_on {
            return Proposed::NoLeader;
        }
        self.pass_on(change, deadline, (leader, address), false).await
    }

    /// Lets another node make a change, or pass it on again.
    async fn pass_on(
        &self,
        change: &Change,
        deadline: Duration,
        (node, address): (NodeId, SocketAddr),
        again: bool,
    ) -> Proposed {
        let message = Body::Propose(ProposeMessage::new(change, deadline, again));
        match self.caller.call(Some(node), address, message, deadline).await {
            Ok(Answer::Propose(proposed)) => proposed,
            Err(error) if error.not_served() => Proposed::NoLeader,
            Ok(_) => Proposed::Unknown(format!("node {node} gave a strange answer")),
            Err(error) => Proposed::Unknown(error.to_string()),
        }
    }

    /// Makes a change as the leader.
    async fn lead(&self, change: &Change, deadline: Duration) -> Proposed {
        let submitted = AtomicBool::new(false);
        match timeout(deadline, self.decide(change, &submitted)).await {
            Ok(proposed) => proposed,
            Err(_) if submitted.load(Ordering::SeqCst) => {
                Proposed::Unknown("a majority of the voters did not answer in time".to_owned())
            }
            Err(_) => Proposed::NoMajority,
        }
    }

    async fn decide(&self, change: &Change, submitted: &AtomicBool) -> Proposed {
        let _turn = self.turn.lock().await;
        loop {
            match self.raft.ensure_linearizable().await {
                Ok(_) => {}
                Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(_))) => {
                    return Proposed::NoLeader;
                }
                Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => {
                    sleep(PAUSE).await;
                    continue;
                }
                Err(RaftError::Fatal(_)) => return Proposed::NoLeader,
            }
            let Some(layout) = self.published.agreed() else {
                let reason = "there is no layout to change yet".to_owned();
                return Proposed::Refused { reason, layout: None };
            };
            let refused = |reason| {
                let layout = Some(Box::new((*layout).clone()));
                Proposed::Refused { reason, layout }
            };
            let next = match layout.apply(change) {
                Ok(next) => Box::new(next),
                Err(error) => return refused(error.to_string()),
            };
            match self.admission.admit(&layout, change).await {
                Ok(()) => {}
                Err(Denial::Refused(reason)) => return refused(reason),
                Err(Denial::NotNow(reason)) => return Proposed::NotNow(reason),
            }
            let proposal = Proposal { base: Some(layout.version()), next: next.clone() };
            submitted.store(true, Ordering::SeqCst);
            match self.raft.client_write(proposal).await {
                Ok(written) if written.data == Decision::Applied => return Proposed::Applied(next),
                // Certainly not applied: on to the layout that came in between.
                Ok(_) => submitted.store(false, Ordering::SeqCst),
                // Said before the proposal is in the log, but also when it is cut off and may still
                // be in another's.
                Err(error) => return Proposed::Unknown(error.to_string()),
            }
        }
    }
}
