//! The layout as the parts of a node see it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::consensus::Consensus;
use crate::coordinator::Layouts;
use crate::identity::NodeId;
use crate::layout::Layout;

/// How long a newer layout may take to be fetched.
const FETCH_TIMEOUT: Duration = Duration::from_secs(1);

/// What the consensus has published.
pub(super) struct Published {
    consensus: Arc<Consensus>,
    layouts: watch::Receiver<Option<Arc<Layout>>>,
}

impl Published {
    pub(super) fn new(consensus: Arc<Consensus>) -> Self {
        Self { layouts: consensus.layout(), consensus }
    }

    /// Where a member is.
    pub(super) fn address(&self, node: NodeId) -> Option<SocketAddr> {
        self.layouts.borrow().as_ref()?.member(node).map(|member| member.address)
    }

    /// Takes over the layout of `node`, if it is newer.
    pub(super) async fn fetch(&self, node: NodeId) {
        let Some(address) = self.address(node) else { return };
        if let Err(error) = self.consensus.fetch(Some(node), address, FETCH_TIMEOUT).await {
            tracing::debug!(%node, %error, "no newer layout could be fetched");
        }
    }
}

#[async_trait]
impl Layouts for Published {
    fn current(&self) -> Option<Arc<Layout>> {
        self.layouts.borrow().clone()
    }

    async fn fetch_newer(&self, from: NodeId) {
        self.fetch(from).await;
    }
}
