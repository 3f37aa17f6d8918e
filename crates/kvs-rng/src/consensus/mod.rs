//! How the layout is agreed.
//!
//! The [`Layout`] says who holds what, so two nodes that go by different layouts of the same version
//! would lose data. It changes by consensus alone: a log of layouts, each made of the one before, kept
//! by 1, 3 or 5 *voters* with Raft (Ongaro and Ousterhout, *In Search of an Understandable Consensus
//! Algorithm*, USENIX ATC 2014), in the implementation `openraft`. All other members are *learners*:
//! they get the log, so every member has the layout on its own disk and serves from it even when it
//! reaches nobody.
//!
//! # The life of a change
//! [`Consensus::propose`] on any node takes the [`Change`] to the leader, which makes the next layout
//! and puts it to the vote. When a majority of the voters has it on disk, every node applies it and
//! shows it to those that watch [`Consensus::layout`]. Changes are ordered by the log: each is made of
//! the layout of that moment, or refused.
//!
//! # The life of a node
//! The first node [`found`](Consensus::found)s a cluster; others [`join`](Consensus::join) through any
//! member. A *steward* on the leader then brings the log to the newcomer and gives out votes: one voter
//! for fewer than three members, three up to four, five from five on, spread over zones. A member that
//! leaves loses first its vote, then the log.
//!
//! # When nodes fail
//! A leader that is silent for the election timeout is replaced. Without a majority of the voters
//! nothing changes, and everybody serves on from the last layout. When a majority is gone for good,
//! [`force_voters`] is the way out.
//!
//! What is *not* handled: nodes that lie. Who speaks is for the transport to prove; what members say
//! is believed.

mod config;
mod error;
mod format;
mod found;
mod handle;
mod join;
#[expect(clippy::result_large_err, reason = "the error is openraft's")]
mod log;
#[expect(clippy::result_large_err, reason = "the error is openraft's")]
mod machine;
mod network;
mod policy;
mod propose;
mod published;
mod recovery;
mod runtime;
mod steward;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::Store;
use kvs_core::env::{Background, Env};
use tokio::sync::watch;

use self::config::{Raft, RaftId};
use self::log::LogStore;
use self::machine::Machine;
use self::network::Caller;
use self::propose::Proposer;
use self::published::Published;
use self::runtime::SeamRuntime;
use self::steward::Steward;
use self::wire::{Answer, Body, Proposed};
use crate::identity::NodeId;
use crate::layout::{Change, Layout};

pub use config::ConsensusConfig;
pub use error::{ConsensusError, FetchError, FoundError, ProposeError};
pub use machine::held_layout;
pub use network::{Link, LinkError, MESSAGE_BYTES_MAX};
pub use propose::{Admission, AdmitAll, DEADLINE_MAX, Denial, PROPOSALS_MAX};
pub use recovery::{RecoverError, force_voters};

/// A node's part in the consensus on the layout. See the [module](self).
///
/// It ends when it is dropped; [`shutdown`](Self::shutdown) also waits for the end.
pub struct Consensus {
    id: NodeId,
    config: ConsensusConfig,
    raft: Raft,
    published: Published,
    caller: Caller,
    proposer: Proposer,
    _steward: Background,
}

/// How the consensus stands, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusStatus {
    /// The leader, if one is known.
    pub leader: Option<NodeId>,
    /// Whose votes count.
    pub voters: BTreeSet<NodeId>,
    /// Who gets the log and has no vote.
    pub learners: BTreeSet<NodeId>,
    /// Counts elections; jumps to the next multiple of 2^32 at a forced recovery.
    pub term: u64,
    /// For the leader: how long ago a majority was last heard of.
    pub majority_heard: Option<Duration>,
    /// Why the consensus of this node has stopped, if it has.
    pub stopped: Option<String>,
}

impl Consensus {
    /// Starts the node `id`, going on with what `store` holds. Its votes and entries are synced to the
    /// disk whatever the store's durability.
    ///
    /// A node with an empty store waits to [`found`](Self::found) a cluster or to [`join`](Self::join)
    /// one. `admission` is asked when this node leads. Random numbers come from `env`.
    pub async fn start(
        id: NodeId,
        store: &Store,
        link: Arc<dyn Link>,
        admission: Arc<dyn Admission>,
        env: &Env,
        config: ConsensusConfig,
    ) -> Result<Self, ConsensusError> {
        let raft_config = config.raft()?;
        let published = Published::default();
        let machine = Machine::open(store, published.clone()).await?;
        let caller = Caller::new(link, published.clone());
        let log = LogStore::new(store);
        SeamRuntime::draw_from(env.random.clone());
        let raft = Raft::new(RaftId(id), raft_config, caller.clone(), log, machine).await?;
        // From here on its metrics say what the disk holds.
        raft.with_raft_state(|_| ()).await?;
        let steward = Steward {
            id,
            raft: raft.clone(),
            published: published.clone(),
            caller: caller.clone(),
            config: config.clone(),
        };
        let proposer =
            Proposer::new(id, raft.clone(), published.clone(), caller.clone(), admission);
        let steward = Background::run(steward.run());
        Ok(Self { id, config, raft, published, caller, proposer, _steward: steward })
    }

    /// The newest layout that this node knows to be agreed, and those that come; `None` before it is
    /// part of a cluster.
    pub fn layout(&self) -> watch::Receiver<Option<Arc<Layout>>> {
        self.published.watch()
    }

    /// Makes a change of the layout within `deadline` (at most [`DEADLINE_MAX`]), wherever the leader
    /// is, and gives the layout made by it.
    ///
    /// Of changes proposed at the same time each is made of the layout that the one before left, or
    /// refused. The layout given may be newer than what [`layout`](Self::layout) shows for a moment.
    pub async fn propose(
        &self,
        change: &Change,
        deadline: Duration,
    ) -> Result<Arc<Layout>, ProposeError> {
        if let Some(reason) = self.status().stopped {
            return Err(ProposeError::Stopped(reason));
        }
        outcome(self.proposer.propose(change, deadline).await)
    }

    /// Asks a node for its layout, and shows it here if it is of this node's cluster and newer. For a
    /// node that hears of a newer layout than it has.
    pub async fn fetch(
        &self,
        node: Option<NodeId>,
        address: SocketAddr,
        deadline: Duration,
    ) -> Result<Arc<Layout>, FetchError> {
        match self.caller.call(node, address, Body::Layout, deadline).await {
            Ok(Answer::Layout(Some(layout))) => {
                if self.published.layout().is_some() {
                    self.published.show(&layout);
                }
                Ok(Arc::new(*layout))
            }
            Ok(Answer::Layout(None)) => Err(FetchError::None),
            Ok(_) => Err(FetchError::Call("the answer is to another question".to_owned())),
            Err(error) => Err(FetchError::Call(error.to_string())),
        }
    }

    /// How the consensus stands.
    pub fn status(&self) -> ConsensusStatus {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        ConsensusStatus {
            leader: metrics.current_leader.map(|leader| leader.0),
            voters: membership.voter_ids().map(|id| id.0).collect(),
            learners: membership.learner_ids().map(|id| id.0).collect(),
            term: metrics.current_term,
            majority_heard: metrics.millis_since_quorum_ack.map(Duration::from_millis),
            stopped: metrics.running_state.as_ref().err().map(ToString::to_string),
        }
    }

    /// Stops and waits until nothing is written any more.
    pub async fn shutdown(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!(%error, "the consensus did not end cleanly");
        }
    }
}

fn outcome(proposed: Proposed) -> Result<Arc<Layout>, ProposeError> {
    Err(match proposed {
        Proposed::Applied(layout) => return Ok(Arc::new(*layout)),
        Proposed::Refused { reason, layout } => {
            ProposeError::Refused { reason, layout: layout.map(|layout| Arc::new(*layout)) }
        }
        Proposed::NoLeader => ProposeError::NoLeader,
        Proposed::NoMajority => ProposeError::NoMajority,
        Proposed::Busy => ProposeError::Busy,
        Proposed::Unknown(detail) => ProposeError::Unknown(detail),
        Proposed::NotNow(reason) => ProposeError::NotNow(reason),
    })
}
