//! A node: all parts of the ring, wired.
//!
//! ```text
//!            Ring (a Dba)                       other nodes
//!                 │                                  │
//!           ┌─────▼──────┐   Peers   ┌───────────┐   │
//!           │coordinator ├──────────▶│ transport │◀──┤ TCP
//!           └─────┬──────┘           └──┬────────┘   │
//!           ┌─────▼──────┐       ┌──────▼────┐  ┌────▼──────┐
//!           │  replica   │       │ consensus │  │membership │ UDP
//!           └─────┬──────┘       └──────┬────┘  └───────────┘
//!                 └───────┬─────────────┘
//!                       Store
//! ```
//!
//! [`Node::start`] finds out who it is (from its store), listens, and then goes on as the member that
//! it is, founds a cluster, or joins one. A task, the *keeper*, carries news between the parts: the
//! layout's version to gossip, newer layouts that gossip tells of to the consensus, nodes that are
//! back to the hints that wait for them.
//!
//! ```
//! use kvs_core::{Dba, Key, Store};
//! use kvs_rng::node::{Node, NodeConfig};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let any_port = "127.0.0.1:0".parse()?;
//! let node = Node::start(&Store::memory(), NodeConfig::new("ada", any_port)).await?;
//! node.ring().put(&Key::from("greeting"), b"hello".to_vec()).await?;
//! assert_eq!(node.ring().get(&Key::from("greeting")).await?, Some(b"hello".to_vec()));
//! node.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

mod admission;
mod config;
mod error;
mod identity;
mod join;
mod keeper;
mod layouts;
mod link;
mod lives;
mod methods;
mod service;
mod start;
mod status;
mod stopped;
mod witness;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::Background;
use kvs_core::{EntityStore, Store};

use crate::consensus::Consensus;
use crate::coordinator::Ring;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::log::{Logs, Owners};
use crate::membership::Membership;
use crate::replica::Replica;
use crate::transport::Transport;

pub use config::{NodeConfig, READ_LEASE};
pub use error::NodeError;
pub use identity::is_node;
pub use status::{MemberStatus, RingState, Status};
pub use stopped::StoppedNode;

/// How long requests in flight may take when the node ends.
const DRAIN: Duration = Duration::from_secs(5);

/// A running node of a ring. It ends with [`shutdown`](Self::shutdown); dropped, it ends as if its
/// process had been killed.
pub struct Node {
    id: NodeId,
    transport: Transport,
    membership: Arc<Membership>,
    consensus: Arc<Consensus>,
    layouts: Arc<layouts::Published>,
    replica: Replica,
    ring: Ring,
    logs: Logs,
    _closing: start::Closing,
    _background: [Background; 5],
}

impl Node {
    /// Starts a node that keeps everything in `store`, to which nobody else may write, and gives it when it is part of a cluster: at once if it is one already or
    /// founds one, else when a member of the cluster has taken it in, however long that takes.
    ///
    /// # Errors
    /// [`NodeError`]: settings that contradict the cluster or the store, addresses in use, a cluster
    /// that refuses the node.
    pub async fn start(store: &Store, config: NodeConfig) -> Result<Self, NodeError> {
        start::start(store, config).await
    }

    /// Who this node is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Where it listens for other nodes.
    pub fn address(&self) -> SocketAddr {
        self.transport.local_address()
    }

    /// All records of the ring, as a store.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Entities: commands on them run here if this node owns them, and are refused otherwise.
    pub fn entities(&self) -> Arc<dyn EntityStore> {
        self.logs.entities()
    }

    /// Who owns which entity, and calls there.
    pub fn owners(&self) -> Arc<dyn Owners> {
        self.logs.owners()
    }

    /// The logs of entities underneath.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The layout as this node knows it.
    pub fn layout(&self) -> Option<Arc<Layout>> {
        use crate::coordinator::Layouts as _;
        self.layouts.current()
    }

    /// Ends the node in good order: it answers what it was asked, tells the others, and leaves its
    /// store as after a clean stop. Takes up to some seconds.
    pub async fn shutdown(&self) {
        self.membership.leave().await;
        if !self.transport.shutdown(DRAIN).await {
            tracing::warn!(node = %self.id, "some requests of other nodes were cut off");
        }
        self.logs.close();
        self.consensus.shutdown().await;
        if let Err(error) = self.replica.close().await {
            tracing::warn!(node = %self.id, %error, "the clean stop could not be recorded");
        }
    }
}
