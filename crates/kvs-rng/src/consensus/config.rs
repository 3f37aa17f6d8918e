//! The types that `openraft` is used with, and the times it keeps.

use std::fmt;
use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use openraft::SnapshotPolicy;
use serde::{Deserialize, Serialize};

use super::error::ConsensusError;
use super::runtime::SeamRuntime;
use crate::identity::NodeId;
use crate::layout::Layout;

openraft::declare_raft_types!(
    /// What the consensus is about.
    pub(crate) Types:
        D = Proposal,
        R = Decision,
        NodeId = RaftId,
        Node = Peer,
        Entry = openraft::Entry<Types>,
        SnapshotData = Cursor<Vec<u8>>,
        AsyncRuntime = SeamRuntime,
);

/// The consensus of one node.
pub(crate) type Raft = openraft::Raft<Types>;
/// An entry of the log.
pub(crate) type Entry = openraft::Entry<Types>;
/// Where an entry is, and who led when it was made.
pub(crate) type LogId = openraft::LogId<RaftId>;
/// Who leads, or wants to.
pub(crate) type Vote = openraft::Vote<RaftId>;
/// Who votes and who only learns.
pub(crate) type Membership = openraft::Membership<RaftId, Peer>;
/// A membership and its place in the log.
pub(crate) type StoredMembership = openraft::StoredMembership<RaftId, Peer>;
/// What a snapshot holds.
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<RaftId, Peer>;
/// A snapshot.
pub(crate) type Snapshot = openraft::Snapshot<Types>;
/// The disk failed, or holds what it shouldn't.
pub(crate) type StorageError = openraft::StorageError<RaftId>;

/// A [`NodeId`] with a default, which `openraft` asks for: the nil UUID, which no node has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RaftId(pub(crate) NodeId);

impl Default for RaftId {
    fn default() -> Self {
        Self(NodeId::from_bytes([0; 16]))
    }
}

impl fmt::Display for RaftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RaftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a node was last known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
}

impl Default for Peer {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)) }
    }
}

/// What is put to the vote: the next layout, whole, and not the change that makes it. A release with
/// another planner would make another layout of the same change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    /// The version it was made of; `None` for the first layout of a cluster.
    pub(crate) base: Option<u64>,
    pub(crate) next: Box<Layout>,
}

/// What became of an entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Decision {
    /// The entry was none of ours.
    Nothing,
    /// The proposed layout is the layout.
    Applied,
    /// The layout was no longer the one that the proposal was made of. It stays as it is.
    Stale,
}

/// The times and sizes of the consensus. The same on all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusConfig {
    /// How often a leader lets the others know that it is there, and how long it waits for one answer.
    /// A tenth to a quarter of the election timeout; default 250 ms, for nodes of one site.
    pub heartbeat: Duration,
    /// The shortest silence after which a voter stands for election; each node draws its own between
    /// this and `election_max`. More than `heartbeat`; default 1 s.
    pub election_min: Duration,
    /// The longest. More than `election_min`; default 2 s.
    pub election_max: Duration,
    /// How long a voter may be silent before the vote goes to another member, if there is one that is
    /// up. Far more than `election_max`; default 30 s.
    pub voter_grace: Duration,
    /// A snapshot is made, and the log before it dropped, each time this many entries have been
    /// agreed. At least 1; default 64.
    pub snapshot_entries: u64,
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(250),
            election_min: Duration::from_secs(1),
            election_max: Duration::from_secs(2),
            voter_grace: Duration::from_secs(30),
            snapshot_entries: 64,
        }
    }
}

/// Longest election timeout.
const ELECTION_MAX: Duration = Duration::from_secs(3600);
/// How long sending a snapshot may take.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most entries of the log in one message.
const APPEND_ENTRIES_MAX: u64 = 64;

impl ConsensusConfig {
    /// Checked, and as `openraft` wants it.
    pub(crate) fn raft(&self) -> Result<Arc<openraft::Config>, ConsensusError> {
        if self.heartbeat < Duration::from_millis(1) || self.election_max > ELECTION_MAX {
            let problem = "heartbeat must be at least 1 ms, election_max at most 1 hour";
            return Err(ConsensusError::Config(problem.to_owned()));
        }
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let config = openraft::Config {
            cluster_name: "layout".to_owned(),
            heartbeat_interval: ms(self.heartbeat),
            election_timeout_min: ms(self.election_min),
            election_timeout_max: ms(self.election_max),
            install_snapshot_timeout: ms(SNAPSHOT_TIMEOUT),
            max_payload_entries: APPEND_ENTRIES_MAX,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_entries.max(1)),
            replication_lag_threshold: self.snapshot_entries.max(1).saturating_mul(2),
            max_in_snapshot_log_to_keep: self.snapshot_entries,
            ..openraft::Config::default()
        };
        let config = config.validate();
        config.map(Arc::new).map_err(|error| ConsensusError::Config(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_make_no_sense_are_refused() {
        let good = ConsensusConfig::default();
        assert!(good.raft().is_ok());
        for bad in [
            ConsensusConfig { heartbeat: Duration::ZERO, ..good.clone() },
            ConsensusConfig { heartbeat: good.election_min, ..good.clone() },
            ConsensusConfig { election_min: good.election_max, ..good.clone() },
            ConsensusConfig { election_max: Duration::MAX, ..good.clone() },
        ] {
            assert!(matches!(bad.raft(), Err(ConsensusError::Config(_))), "{bad:?}");
        }
    }
}
