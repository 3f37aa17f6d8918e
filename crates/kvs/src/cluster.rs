//! A store on many nodes (feature `cluster`).
//!
//! [`Kvs::cluster`] starts a node within this process. Records are kept on the N nodes of their
//! bucket, and every node reaches all of them: see [`kvs_rng`] for what is promised. Feeds, sorted
//! sets, leaderboards and files need one owner at a time, which a cluster doesn't have yet: their
//! handles refuse every call.
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
//! kvs.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kvs_consistency::{Answer, Entities};
use kvs_core::{Batch, CallOptions, Dba, DbaError, Key, Page, Result as DbaResult, Scan};

use crate::error::Result;
use crate::kvs::Kvs;
use crate::options::Options;

pub use kvs_rng::coordinator::Ring;
pub use kvs_rng::hash::{Hashing, HashingError};
pub use kvs_rng::identity::{ClusterId, NodeId};
pub use kvs_rng::layout::{Layout, Member, Quorum};
pub use kvs_rng::membership::{GossipKey, State};
pub use kvs_rng::node::{
    MemberStatus, Node, NodeConfig, NodeError, RingState, Status, StoppedNode,
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
        Ok(Self::of_cluster(Node::start(&store, node).await?, env))
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

/// What a cluster has of entities: nothing yet.
pub(crate) struct NoEntities;

impl NoEntities {
    fn refused<T>() -> DbaResult<T> {
        let operation = "a feed, sorted set, leaderboard or file";
        Err(DbaError::Unsupported { operation, on: "on a cluster yet" })
    }
}

#[async_trait]
impl Entities for NoEntities {
    async fn execute(&self, _: &Arc<[u8]>, _: Vec<u8>, _: &CallOptions) -> DbaResult<Answer> {
        Self::refused()
    }
}

#[async_trait]
impl Dba for NoEntities {
    async fn get_with(&self, _: &Key, _: &CallOptions) -> DbaResult<Option<Vec<u8>>> {
        Self::refused()
    }

    async fn put_with(&self, _: &Key, _: Vec<u8>, _: &CallOptions) -> DbaResult<()> {
        Self::refused()
    }

    async fn delete_with(&self, _: &Key, _: &CallOptions) -> DbaResult<()> {
        Self::refused()
    }

    async fn write_with(&self, _: &[u8], _: Batch, _: &CallOptions) -> DbaResult<()> {
        Self::refused()
    }

    async fn scan_with(&self, _: &[u8], _: &Scan, _: &CallOptions) -> DbaResult<Page> {
        Self::refused()
    }
}
