//! The beginning of a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use openraft::ServerState;
use openraft::error::{InitializeError, RaftError};
use tokio::time::timeout;

use super::config::{Decision, Peer, Proposal, RaftId};
use super::{Consensus, ConsensusError, FoundError};
use crate::layout::Layout;

impl Consensus {
    /// Founds a cluster with this node as its only member.
    ///
    /// Refused if the node is part of one. If it fails half way, founding again goes on.
    pub async fn found(&self, layout: Layout) -> Result<Arc<Layout>, FoundError> {
        let first = layout.member(self.id).filter(|_| layout.members().len() == 1);
        let first = first.ok_or(FoundError::Members { node: self.id })?;
        let me = RaftId(self.id);
        let nodes = BTreeMap::from([(me, Peer { address: first.address })]);
        match self.raft.initialize(nodes).await {
            Ok(()) => {}
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) if self.alone() => {}
            Err(RaftError::APIError(_)) => return Err(FoundError::Exists),
            Err(error) => return Err(ConsensusError::stopped(error).into()),
        }
        let mut metrics = self.raft.metrics();
        let leads = metrics.wait_for(|metrics| metrics.state == ServerState::Leader);
        match timeout(self.config.election_max * 4, leads).await {
            Ok(Ok(_)) => {}
            _ => return Err(ConsensusError::stopped("the only voter did not elect itself").into()),
        }
        let proposal = Proposal { base: None, next: Box::new(layout.clone()) };
        match self.raft.client_write(proposal).await {
            Ok(written) if written.data == Decision::Applied => Ok(Arc::new(layout)),
            Ok(_) => Err(FoundError::Exists),
            Err(error) => Err(ConsensusError::stopped(error).into()),
        }
    }

    /// Whether founding was begun here and not ended.
    fn alone(&self) -> bool {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let mut voters = metrics.membership_config.voter_ids();
        let first = voters.next();
        self.published.layout().is_none()
            && first == Some(RaftId(self.id))
            && voters.next().is_none()
    }
}
