//! A node that doesn't run, by its store.

use kvs_core::Store;
use kvs_core::Value;
use kvs_core::format::envelope::Envelope;

use super::error::NodeError;
use super::identity::{self, Persona};
use crate::consensus;
use crate::identity::NodeId;
use crate::layout::{Layout, Member};

/// A node that doesn't run: what its store says of it, and what may be done to it.
pub struct StoppedNode {
    store: Store,
    id: NodeId,
    layout: Layout,
}

impl StoppedNode {
    /// The node that `store` belongs to. Nobody else may have the store open.
    ///
    /// # Errors
    /// [`NodeError::NoNode`] if there is none, or it never was a member of a cluster;
    /// [`NodeError::Removed`] if its own layout does not have it.
    pub async fn open(store: &Store) -> Result<Self, NodeError> {
        let bytes = store.raw().get(identity::key()).await?.ok_or(NodeError::NoNode)?;
        let persona = Persona::from_bytes(Envelope::decode(&bytes)?.payload)?;
        let layout = consensus::held_layout(store).await?.ok_or(NodeError::NoNode)?;
        let id = persona.node;
        layout.member(id).ok_or(NodeError::Removed { node: id })?;
        Ok(Self { store: store.clone(), id, layout })
    }

    /// Who it is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The layout that it holds.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Makes it the only voter on the layout, when a majority of the voters is lost for good: see
    /// [`force_voters`](consensus::force_voters) for when that may be done, and what may be lost.
    ///
    /// # Errors
    /// [`NodeError::Recover`]. It may be repeated.
    pub async fn force_voters(&self) -> Result<(), NodeError> {
        let address = self.layout.member(self.id).map(|member: &Member| member.address);
        let address = address.ok_or(NodeError::Removed { node: self.id })?;
        consensus::force_voters(&self.store, self.id, address).await?;
        Ok(())
    }
}
