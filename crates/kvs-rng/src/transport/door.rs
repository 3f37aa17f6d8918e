//! Who is let in, beyond what a hello alone can tell.

use std::fmt::Debug;

use async_trait::async_trait;

use super::handshake::{Peer, Refusal};

/// Asked at the end of each handshake that would succeed, whichever side began it.
#[async_trait]
pub trait Door: Debug + Send + Sync + 'static {
    /// Whether this node wants to talk to `peer`; if not, why: the peer is told. What takes longer than
    /// a handshake may ends it.
    async fn let_in(&self, peer: &Peer) -> Result<(), Refusal>;

    /// A peer did not let this node in.
    async fn turned_away(&self, refusal: &Refusal);
}
