//! A store on many nodes (feature `cluster`).
//!
//! [`Kvs::cluster`] starts a node within this process. Records are kept on the N nodes of their
//! bucket, and every node reaches all of them: see [`kvs_rng`] for what is promised. Feeds, sorted sets,
//! leaderboards, registers and the metadata of files have one owner at a time, to whom their commands
//! go by themselves ([`kvs_sharding`], [`kvs_consistency`]), with the same handles as in an embedded
//! store.
//!
//! ```
//! use kvs::{ClusterConfig, Kvs};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path();
//! let mut config = ClusterConfig::new(dir, "127.0.0.1:0".parse()?);
//! config.node.name = "ada".to_owned();
//! let kvs = Kvs::cluster(config).await?;
//! kvs.put("greeting", &"hello".to_owned()).await?;
//! assert_eq!(kvs.get::<String>("greeting").await?.as_deref(), Some("hello"));
//! assert_eq!(kvs.feed::<String>("posts").add(&"first".to_owned()).await?.0, 1);
//! kvs.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kvs_consistency::{EntityHandler, Executor, NodeEntities, REGION};
use kvs_core::env::Env;
use kvs_sharding::{Config, Sharding};

use crate::error::Result;
use crate::kvs::Kvs;
use crate::options::Options;

pub use kvs_rng::coordinator::Ring;
pub use kvs_rng::hash::{Hashing, HashingError};
pub use kvs_rng::identity::{ClusterId, NodeId};
pub use kvs_rng::layout::{Layout, Member, Quorum};
pub use kvs_rng::log::Logs;
pub use kvs_rng::membership::{GossipKey, State};
pub use kvs_rng::node::{
    MemberStatus, Node, NodeConfig, NodeError, READ_LEASE, RingState, Status, StoppedNode,
};
pub use kvs_rng::replica::Condition;
pub use kvs_rng::transport::handshake::CLUSTER_NAME_MAX;
pub use kvs_rng::transport::secure::Security;
pub use kvs_rng::transport::secure::noise::KeyError;
pub use kvs_rng::transport::secure::tls::{CertificateError, Certificates};

/// How to take part in a cluster.
#[derive(Clone)]
pub struct ClusterConfig {
    /// The node's data folder.
    pub dir: PathBuf,
    /// How the folder is opened.
    pub storage: Options,
    /// The node itself: where it listens, whom it joins.
    pub node: NodeConfig,
}

impl ClusterConfig {
    /// A node in the folder `dir` that listens at `listen` for other nodes, and founds a cluster of
    /// its own unless told whom to join.
    pub fn new(dir: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        let node = NodeConfig::new(listen.to_string(), listen);
        Self { dir: dir.into(), storage: Options::new(), node }
    }
}

impl Kvs {
    /// Starts a node of a cluster, and gives it when it is a member: at once if it is one already or
    /// founds one, else when the cluster has taken it in.
    ///
    /// # Errors
    /// What [`Options::open`] and [`Node::start`] refuse.
    pub async fn cluster(config: ClusterConfig) -> Result<Self> {
        let ClusterConfig { dir, storage, mut node } = config;
        node.durable = storage.is_durable();
        let store = kvs_core::env::blocking(move || storage.open_store(&dir)).await?;
        let env = node.env.clone();
        let node = Node::start(&store, node).await?;
        let entities = entities(&node, &env);
        Ok(Self::of_cluster(node, entities, env))
    }

    /// Ends the node in good order, if this is one of a cluster; an embedded store needs no end.
    pub async fn shutdown(&self) {
        if let Some(node) = self.node() {
            node.shutdown().await;
        }
    }
}

/// The node in the folder `dir`, which must not run.
///
/// # Errors
/// What [`StoppedNode::open`] refuses; a folder that can't be opened. Nothing is created.
pub async fn stopped_node(dir: impl Into<PathBuf>, storage: &Options) -> Result<StoppedNode> {
    let (dir, storage) = (dir.into(), storage.clone());
    if !Options::exists(&dir)? {
        return Err(NodeError::NoNode.into());
    }
    let store = kvs_core::env::blocking(move || storage.open_store(&dir)).await?;
    Ok(StoppedNode::open(&store).await?)
}

/// The entities of the cluster: this node takes its part in running them, and reaches all.
fn entities(node: &Node, env: &Env) -> Executor {
    let sharding = Sharding::new(node.owners(), env.clone(), Config::default());
    let started = sharding.start(REGION, EntityHandler::new(node.entities(), env.clone()));
    #[expect(
        clippy::expect_used,
        reason = "the node's first region, with the default configuration"
    )]
    let region = started.expect("a node has one region of entities");
    Executor::remote(Arc::new(NodeEntities::new(region, node.entities(), env.clone())))
}
