//! What a node is told at its start.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::Env;
use kvs_core::env::net::{Network, Sockets};

use crate::consensus::ConsensusConfig;
use crate::hash::Hashing;
use crate::layout::{Quorum, VIRTUAL_NODES_DEFAULT, WEIGHT_DEFAULT};
use crate::membership::{GossipKey, Timing};
use crate::transport::Security;
use crate::transport::secure::noise::{ClusterKeys, KeyError};

/// How long leases may be that a node grants, if it grants any.
pub const READ_LEASE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

/// How a [`Node`](super::Node) is to be.
///
/// What is marked *when founding* belongs to the cluster: the founder's values hold for its life, and
/// a node that joins takes them over. Given there all the same, they must be the cluster's.
#[derive(Clone)]
#[non_exhaustive]
pub struct NodeConfig {
    /// Whether the node's store syncs each write before it acknowledges it: then a loss of power takes
    /// nothing that it acknowledged; after one it only reads from its peers what it had minted last, and
    /// mints again then. Default false.
    pub durable: bool,
    /// The network. Default the operating system's.
    pub network: Arc<dyn Network>,
    /// Time and randomness. Default the operating system's.
    pub env: Env,
    /// The node's name, for people.
    pub name: String,
    /// The cluster's name; nodes of other names are refused. Default `kvs`.
    pub cluster_name: String,
    /// Where to listen for other nodes: TCP, and UDP on the same port.
    pub listen: SocketAddr,
    /// Where others reach this node, if not at `listen`.
    pub advertise: Option<SocketAddr>,
    /// Members of the cluster to join, as `host:port`. None: found a cluster, if this node is part of
    /// none yet.
    pub join: Vec<String>,
    /// Replicas, and how many of them a write and a read need; *when founding*, default 1,1,1.
    pub quorum: Option<Quorum>,
    /// Whether a quorum is taken in which a read may miss a write. Default false.
    pub allow_weak_quorum: bool,
    /// How partitions map to buckets; *when founding*, default 32 bits and 1,024 buckets.
    pub hashing: Option<Hashing>,
    /// Places of each node on the ring; *when founding*, default 128.
    pub virtual_nodes: Option<u32>,
    /// The zone the node is in; replicas are spread over zones. Default none.
    pub zone: String,
    /// Its share of the data, compared with that of others. Default 100.
    pub weight: u32,
    /// How long an operation may wait for replicas. Default 3 s.
    pub gather_timeout: Duration,
    /// For how long this node grants *leases* to the owners of entities: for so long it lets nobody take
    /// over from them. An owner with the leases of a majority answers reads without asking anybody; in
    /// return, a bucket whose owner is gone waits for them to run out. Zero: no leases, neither granted nor
    /// asked for; else 100 ms to a minute. Best the same at all nodes, but safe if it isn't. Default zero.
    pub read_lease: Duration,
    /// How connections are protected. Default not at all.
    pub security: Security,
    /// The keys that protect gossip, the first of them for sending; see
    /// [`protect`](Self::protect).
    pub gossip_keys: Vec<GossipKey>,
    /// Names the present boot of the machine, if it is known: what was not synced before it is lost.
    pub boot_id: Option<String>,
    /// The pace of the failure detector.
    pub timing: Timing,
    /// The pace of the consensus on the layout.
    pub consensus: ConsensusConfig,
}

impl NodeConfig {
    /// The defaults: a node without a cluster key, that founds a cluster of its own.
    pub fn new(name: impl Into<String>, listen: SocketAddr) -> Self {
        Self {
            durable: false,
            network: Arc::new(Sockets),
            env: Env::system(),
            name: name.into(),
            cluster_name: "kvs".to_owned(),
            listen,
            advertise: None,
            join: Vec::new(),
            quorum: None,
            allow_weak_quorum: false,
            hashing: None,
            virtual_nodes: None,
            zone: String::new(),
            weight: WEIGHT_DEFAULT,
            gather_timeout: Duration::from_secs(3),
            read_lease: Duration::ZERO,
            security: Security::Plain,
            gossip_keys: Vec::new(),
            boot_id: crate::replica::boot_id(),
            timing: Timing::default(),
            consensus: ConsensusConfig::default(),
        }
    }

    /// Protects connections and gossip with a key that all nodes share.
    ///
    /// # Errors
    /// A key that is too short.
    pub fn protect(&mut self, key: &[u8]) -> Result<(), KeyError> {
        self.security = Security::Noise(ClusterKeys::new([key])?);
        self.gossip_keys = vec![GossipKey::derive(key)];
        Ok(())
    }

    pub(super) fn virtual_nodes(&self) -> u32 {
        self.virtual_nodes.unwrap_or(VIRTUAL_NODES_DEFAULT)
    }
}
