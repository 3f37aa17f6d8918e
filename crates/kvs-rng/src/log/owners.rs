//! Who owns an entity, and calls to whoever does: what a layer that routes commands needs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::broadcast;

use super::{CALL, Logs, format};
use crate::coordinator::PeerError;
use crate::coordinator::message::Bytes;
use crate::hash::Bucket;
use crate::identity::NodeId;

const WHAT: &str = "call of a region";
/// Longest name of a region, in bytes.
pub const REGION_NAME_MAX: usize = 255;
/// Largest body of a call or an answer: a frame with room for what is around it.
pub const BODY_MAX: usize = (32 << 20) - (1 << 10);

/// Who owns an entity at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This node does, or is to.
    Here,
    /// That node does, or is to.
    At(NodeId),
    /// None of the nodes that may own it seems to be there.
    Nobody {
        /// For people.
        reason: String,
    },
}

/// Routes to the owners of entities.
#[async_trait]
pub trait Owners: Send + Sync + 'static {
    /// Who owns `name`: whoever is known to, if it seems to be there, else the first node of the
    /// bucket's preference list that does. A guess, never a promise: the owner's log decides.
    fn owner(&self, name: &[u8]) -> Owner;

    /// Takes note of who was said to own `name`, when it was refused elsewhere; `None` if that isn't
    /// known.
    fn learn(&self, name: &[u8], owner: Option<NodeId>);

    /// Runs `body` by the handler of `region` at `to`, another node.
    async fn call(
        &self,
        to: NodeId,
        region: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, OwnerCallError>;

    /// Has `handler` take the calls of `region`, in place of an earlier one.
    fn on_call(&self, region: &str, handler: Arc<dyn RegionHandler>);

    /// The buckets that this node loses, as it loses them.
    fn lost(&self) -> broadcast::Receiver<Bucket>;

    /// The bucket of a name; `None` before this node is part of a ring.
    fn bucket_of(&self, name: &[u8]) -> Option<Bucket>;
}

/// Takes the calls of a region.
#[async_trait]
pub trait RegionHandler: Send + Sync + 'static {
    /// Answers `body`, which came from the node `from`.
    async fn call(&self, from: NodeId, body: Vec<u8>) -> Vec<u8>;
}

/// A call to an owner got no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerCallError {
    /// The node could not be reached, or did not answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The node has no handler of this region. Nothing was done.
    #[error("{node} has no region {region:?}")]
    NoRegion {
        /// Who was called.
        node: NodeId,
        /// The region's name.
        region: String,
    },
    /// A name or body is too large, or an answer makes no sense.
    #[error("{detail}")]
    Message {
        /// What is wrong.
        detail: String,
        /// Whether it may have been run.
        sent: bool,
    },
}

/// Version 1.
#[derive(Serialize, Deserialize)]
struct Request {
    region: String,
    body: Bytes,
}

/// Version 1.
#[derive(Serialize, Deserialize)]
enum Answer {
    Done(Bytes),
    NoRegion,
}

/// Handlers by the names of their regions.
#[derive(Default)]
pub(super) struct Regions(Mutex<BTreeMap<String, Arc<dyn RegionHandler>>>);

impl Regions {
    fn of(&self, region: &str) -> Option<Arc<dyn RegionHandler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(region).cloned()
    }

    /// Runs a call of another node.
    pub(super) async fn handle(
        &self,
        from: NodeId,
        body: &[u8],
    ) -> Result<Vec<u8>, kvs_core::DbaError> {
        let Request { region, body: Bytes(body) } = format::decode(WHAT, body)?;
        let answer = match self.of(&region) {
            Some(handler) => Answer::Done(Bytes(handler.call(from, body).await)),
            None => Answer::NoRegion,
        };
        format::encode(WHAT, &answer)
    }
}

#[async_trait]
impl Owners for Logs {
    fn owner(&self, name: &[u8]) -> Owner {
        let bucket = self.bucket_of(name);
        match bucket.and_then(|bucket| self.driver.likely_owner(bucket)) {
            Some(node) if node == self.driver.id => Owner::Here,
            Some(node) => Owner::At(node),
            None if bucket.is_none() => {
                Owner::Nobody { reason: "this node has no layout of a ring yet".to_owned() }
            }
            None => {
                Owner::Nobody { reason: "none of the bucket's replicas seems to be up".to_owned() }
            }
        }
    }

    fn learn(&self, name: &[u8], owner: Option<NodeId>) {
        if let Some(bucket) = self.bucket_of(name) {
            self.driver.hearsay.note(bucket, owner);
        }
    }

    async fn call(
        &self,
        to: NodeId,
        region: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, OwnerCallError> {
        if region.len() > REGION_NAME_MAX || body.len() > BODY_MAX {
            let detail =
                format!("a call has at most {BODY_MAX} bytes and a name of {REGION_NAME_MAX}");
            return Err(OwnerCallError::Message { detail, sent: false });
        }
        let strange = |sent| {
            move |error: kvs_core::DbaError| OwnerCallError::Message {
                detail: error.to_string(),
                sent,
            }
        };
        let request = Request { region: region.to_owned(), body: Bytes(body) };
        let request = format::encode(WHAT, &request).map_err(strange(false))?;
        let answer = self.driver.peers.call(to, CALL, request, deadline).await;
        let answer = answer.inspect_err(|_| self.driver.reach.failed(to))?;
        self.driver.reach.answered(to);
        match format::decode(WHAT, &answer).map_err(strange(true))? {
            Answer::Done(Bytes(body)) => Ok(body),
            Answer::NoRegion => {
                Err(OwnerCallError::NoRegion { node: to, region: region.to_owned() })
            }
        }
    }

    fn on_call(&self, region: &str, handler: Arc<dyn RegionHandler>) {
        let mut regions = self.regions.0.lock().unwrap_or_else(PoisonError::into_inner);
        regions.insert(region.to_owned(), handler);
    }

    fn lost(&self) -> broadcast::Receiver<Bucket> {
        self.driver.lost.subscribe()
    }

    fn bucket_of(&self, name: &[u8]) -> Option<Bucket> {
        Some(self.driver.layouts.current()?.bucket_of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_are_held_still() {
        let request = Request { region: "r".to_owned(), body: Bytes(vec![7, 8]) };
        assert_eq!(format::encode(WHAT, &request).unwrap(), [1, 1, b'r', 2, 7, 8]);
        assert_eq!(format::encode(WHAT, &Answer::Done(Bytes(vec![9]))).unwrap(), [1, 0, 1, 9]);
        assert_eq!(format::encode(WHAT, &Answer::NoRegion).unwrap(), [1, 1]);
    }
}
