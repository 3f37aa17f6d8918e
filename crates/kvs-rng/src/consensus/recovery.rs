//! Going on after a majority of the voters is lost for good.
//!
//! Without a majority nothing is agreed any more, and rightly: the others might be alive behind a
//! broken network and go on without us. Only a person can know that they are gone. [`force_voters`]
//! is for that person.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use kvs_core::Store;
use openraft::storage::RaftLogStorage;
use openraft::{EntryPayload, LeaderId};
use thiserror::Error;

use super::config::{Entry, LogId, Membership, Peer, RaftId, StorageError, Vote};
use super::log::LogStore;
use super::machine::State;
use crate::identity::NodeId;
use crate::layout::Layout;

/// Terms of one epoch. Elections count terms up one by one; a recovery goes to the next epoch, which
/// no number of elections among the lost voters reaches.
const EPOCH_TERMS: u64 = 1 << 32;

/// Why there was no recovery. Nothing changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The store holds no layout: the node never was part of a cluster.
    #[error("this node has no layout to go on with; nothing changed")]
    NoLayout,
    /// The node was removed from the cluster.
    #[error("node {node} is no member of the layout that it holds; nothing changed")]
    NotMember {
        /// The node.
        node: NodeId,
    },
    /// There were 2^32 recoveries.
    #[error("there is no epoch left; nothing changed")]
    Epochs,
    /// The store failed. A repetition makes good whatever was done.
    #[error("the store failed: {0}")]
    Store(String),
}

impl From<StorageError> for RecoverError {
    fn from(error: StorageError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Makes a *stopped* node the only voter, so that the layout can change again when it is started. Gives
/// the layout it goes on with; the other members learn from it as soon as they reach it, and vote again
/// once they have.
///
/// To be used on **one** node only, when a majority of the voters will never come back: of the nodes
/// left, the one whose layout has the highest version. If a majority is merely unreachable, wait.
///
/// What may be lost: changes of the layout that the lost voters agreed on and this node has not heard
/// of. Data is not touched. The lost voters must not be started again on their old disks; should one be,
/// it follows this node as soon as they meet, but until then two of them could agree on changes of their
/// own.
pub async fn force_voters(
    store: &Store,
    node: NodeId,
    address: SocketAddr,
) -> Result<Layout, RecoverError> {
    let state = State::load(store).await?;
    let layout = state.layout.ok_or(RecoverError::NoLayout)?;
    if layout.member(node).is_none() {
        return Err(RecoverError::NotMember { node });
    }
    let mut log = LogStore::new(store);
    let mut last = log.state().await?.last_log_id;
    if let Some(applied) = state.applied.filter(|applied| Some(*applied) > last) {
        // A snapshot went ahead of the log.
        log.purge(applied).await?;
        last = Some(applied);
    }
    let vote = log.vote().await?.unwrap_or_default();
    let term = vote.leader_id().term.max(last.map_or(0, |last| last.leader_id.term));
    let epoch =
        (term / EPOCH_TERMS).checked_add(1).and_then(|epoch| epoch.checked_mul(EPOCH_TERMS));
    let term = epoch.ok_or(RecoverError::Epochs)?;

    let me = RaftId(node);
    let voters = BTreeSet::from([me]);
    let nodes = std::collections::BTreeMap::from([(me, Peer { address })]);
    let entry = Entry {
        log_id: LogId {
            leader_id: LeaderId::new(term, me),
            index: last.map_or(0, |last| last.index + 1),
        },
        payload: EntryPayload::Membership(Membership::new(vec![voters], nodes)),
    };
    log.save_vote(&Vote::new(term, me)).await?;
    log.add([entry]).await?;
    tracing::warn!(
        %node,
        cluster = %layout.cluster(),
        version = layout.version(),
        term,
        "RECOVERY: this node alone votes on the layout from now on; changes that only the lost voters \
         knew are gone, and the lost voters must not be started again on their old disks",
    );
    Ok(layout)
}
