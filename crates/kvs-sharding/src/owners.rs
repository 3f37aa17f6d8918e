//! Who owns an entity, and the way there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kvs_rng::identity::NodeId;
use thiserror::Error;

/// What a cluster knows of the owners of entities, and how nodes reach each other's regions.
///
/// What it says of owners is a guess: only the owner itself finds out, when it runs a command,
/// whether it still is one. A wrong guess costs a detour.
#[async_trait]
pub trait Owners: Send + Sync + 'static {
    /// The bucket of an entity; it never changes. What is [lost](RegionHost::lost), is lost by buckets.
    fn bucket(&self, entity: &[u8]) -> u32;

    /// Who owns the entity, as far as is known here. Doesn't wait.
    fn owner(&self, entity: &[u8]) -> Owner;

    /// `node` turned out not to own the entity, or not to be reachable: do not name it again unless
    /// there is news.
    fn forget(&self, entity: &[u8], node: NodeId);

    /// Calls the region's host at another node, at most for as long as `deadline`.
    async fn call(
        &self,
        to: NodeId,
        region: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CallFailed>;

    /// From now on calls of the region `name` go to `host`. Says `false`, and changes nothing, if
    /// the region has a host already.
    fn host(&self, name: &str, host: Arc<dyn RegionHost>) -> bool;
}

/// The owner of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This node.
    Here,
    /// Another node.
    At(NodeId),
    /// Nobody can own it now.
    Nobody {
        /// Why, such as which nodes are missing.
        reason: String,
    },
}

/// A region at one node, as other nodes and the cluster see it.
#[async_trait]
pub trait RegionHost: Send + Sync + 'static {
    /// Answers a call of another node. Whatever the bytes are, it answers.
    async fn call(&self, body: Vec<u8>) -> Vec<u8>;

    /// This node no longer owns the entities of `bucket`. Must not block.
    fn lost(&self, bucket: u32);
}

/// A call of another node failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallFailed {
    /// It was surely not run.
    #[error("not sent: {reason}")]
    NotSent {
        /// Why.
        reason: String,
    },
    /// It may have been run.
    #[error("the answer was lost: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// That node has no such region; nothing was run.
    #[error("no such region there")]
    NoRegion,
}
