//! What others have seen of a node, so that it learns when its data folder is an old copy.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kvs_core::Key;

use super::error::ReplicaError;
use super::handle::Replica;
use super::rows;
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::version::Versions;

/// Most nodes that are remembered; those beyond are not.
const NODES_MAX: usize = 1024;

/// The last write of a node that another one knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWrite {
    /// Its count: the node has made no later one, as far as is known.
    pub counter: u64,
    /// The bucket it was in.
    pub bucket: Bucket,
    /// What was written.
    pub key: Key,
}

/// The last write of each other node that was stored here since the start.
#[derive(Default)]
pub(super) struct Witness(Mutex<BTreeMap<NodeId, LastWrite>>);

impl Witness {
    /// Remembers what `versions` say of the nodes that wrote them, other than `this` one.
    pub(super) fn note(&self, this: NodeId, bucket: Bucket, key: &Key, versions: &Versions) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for dot in versions.context().iter().filter(|dot| dot.node != this) {
            let is_news = match seen.get(&dot.node) {
                Some(last) => last.counter < dot.counter,
                None => seen.len() < NODES_MAX,
            };
            if is_news {
                let last = LastWrite { counter: dot.counter, bucket, key: key.clone() };
                seen.insert(dot.node, last);
            }
        }
    }
}

impl Replica {
    /// The last write of another node that was stored here since the start; `None` if there was none.
    pub fn last_write_of(&self, node: NodeId) -> Option<LastWrite> {
        let seen = self.inner().witness.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&node).cloned()
    }

    /// Says that others know of later runs of this node: its data folder is an
    /// [old copy](super::Condition::OldFolder), now and after each further start.
    pub async fn found_old_folder(&self, reason: &str) -> Result<(), ReplicaError> {
        Ok(self.inner().start.found_old_folder(reason).await?)
    }

    /// Looks whether this node still has a write of its own that another node knows. One that it can't
    /// have made means that its data folder is an [old copy](ReplicaError::OldFolder); one that it
    /// lacks, that it has lost writes: it is [recovering](super::Condition::Recovering) from then on.
    ///
    /// # Errors
    /// [`ReplicaError::OldFolder`], or the store failed.
    pub async fn check_last_write(&self, known: &LastWrite) -> Result<(), ReplicaError> {
        let inner = self.inner();
        if known.counter > inner.dots.given() {
            inner.start.found_stray(known.counter).await.map_err(ReplicaError::NotBegun)?;
            return Err(ReplicaError::OldFolder { node: inner.node });
        }
        let held = inner.held(rows::key(known.bucket, &known.key)).await?;
        if held.context().counter(inner.node) < known.counter {
            inner.start.found_loss(known.bucket).await?;
        }
        Ok(())
    }
}
