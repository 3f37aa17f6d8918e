//! What this node does for others.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use super::lives::Lives;
use super::methods::{self, faults};
use crate::consensus::Consensus;
use crate::coordinator::Coordinator;
use crate::log::Logs;
use crate::replica::Replica;
use crate::transport::{Fault, Peer, Service};

/// Hands requests to the parts of the node. The transport has to be there before them, so a request
/// may come too early, and is told so.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) consensus: OnceLock<Arc<Consensus>>,
    pub(super) coordinator: OnceLock<Coordinator>,
    pub(super) replica: OnceLock<Replica>,
    pub(super) lives: OnceLock<Arc<Lives>>,
    pub(super) logs: OnceLock<Logs>,
}

#[async_trait]
impl Service for Inbox {
    async fn call(&self, from: &Peer, method: u16, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
        match method {
            methods::CONSENSUS => Ok(part(&self.consensus)?.handle(from.node, &body).await),
            methods::HOLD => super::admission::hold(self).await,
            methods::LAST_WRITE => {
                let (replica, lives) = (part(&self.replica)?, part(&self.lives)?);
                super::witness::answer(replica, lives, from, &body).await
            }
            methods::LOGS.. => {
                let handled = part(&self.logs)?.handle(from.node, method, &body).await;
                handled.map_err(|error| Fault::new(faults::REFUSED, error.to_string()))
            }
            methods::COORDINATOR.. => {
                let handled = part(&self.coordinator)?.handle(from.node, method, &body).await;
                handled.map_err(|error| Fault::new(faults::REFUSED, error.to_string()))
            }
            _ => {
                let what = format!("this release has no method {method}");
                Err(Fault::new(faults::NO_METHOD, what))
            }
        }
    }
}

pub(super) fn part<T>(part: &OnceLock<T>) -> Result<&T, Fault> {
    part.get().ok_or_else(|| Fault::new(faults::NOT_READY, "the node is starting"))
}
