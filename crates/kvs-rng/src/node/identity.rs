//! Who this node is, on its disk.

use std::ops::Bound;

use kvs_core::engine::WriteSet;
use kvs_core::env::Env;
use kvs_core::format::envelope::Envelope;
use kvs_core::{DbaError, Order, RowKind, Store, Value, prefix_end};
use serde::{Deserialize, Serialize};

use super::error::NodeError;
use crate::identity::{ClusterId, Incarnation, NodeId};

const KEY: &[u8] = b"node/identity";

/// What a node remembers of itself. Always synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Persona {
    pub(super) node: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) cluster_name: String,
    /// The cluster, once the node is a member of one.
    pub(super) cluster: Option<ClusterId>,
}

impl Persona {
    /// The node that `store` belongs to, one incarnation older; on an empty store a new one.
    pub(super) async fn next(
        store: &Store,
        env: &Env,
        cluster_name: &str,
    ) -> Result<Self, NodeError> {
        let found = store.raw().get(key()).await?;
        if holds_embedded(store, found.is_some()).await? {
            return Err(NodeError::Embedded);
        }
        let mut persona = match found {
            Some(bytes) => Self::from_bytes(Envelope::decode(&bytes)?.payload)?,
            None => Self {
                node: NodeId::new(env),
                incarnation: Incarnation(0),
                cluster_name: cluster_name.to_owned(),
                cluster: None,
            },
        };
        if persona.cluster_name != cluster_name {
            return Err(NodeError::OtherCluster {
                found: persona.cluster_name,
                expected: cluster_name.to_owned(),
            });
        }
        persona.incarnation.0 += 1;
        persona.save(store).await?;
        Ok(persona)
    }

    pub(super) async fn save(&self, store: &Store) -> Result<(), DbaError> {
        let mut writes = WriteSet::default();
        writes.stored(&key(), Some(&Envelope::new(&self.to_bytes()?).encode()));
        store.synced().raw().write(writes).await
    }
}

/// Whether `store` is that of a node of a cluster, and not an embedded one. An embedded store's rows in
/// it would be shown to nobody, and its own are not an embedded store's.
///
/// # Errors
/// The store can't be read.
pub async fn is_node(store: &Store) -> Result<bool, DbaError> {
    Ok(store.raw().get(key()).await?.is_some())
}

/// Whether `store` holds rows of an embedded store. Those of entities a node has too.
async fn holds_embedded(store: &Store, is_node: bool) -> Result<bool, DbaError> {
    let kinds = [RowKind::Plain, RowKind::Entity, RowKind::Chunk];
    for kind in kinds.into_iter().filter(|kind| !is_node || *kind != RowKind::Entity) {
        let start = [kind as u8];
        let end = prefix_end(&start).map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(start.to_vec()), end);
        if !store.raw().scan(range, Order::Ascending, 1, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn key() -> Vec<u8> {
    [&[RowKind::Meta as u8], KEY].concat()
}
