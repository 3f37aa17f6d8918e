//! The way to other nodes: what the parts of a node need, over one transport.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::methods;
use crate::consensus::{self, LinkError};
use crate::coordinator::{PeerError, Peers, message};
use crate::identity::NodeId;
use crate::membership::Membership;
use crate::transport::{CallError, Channel, Target, Transport};

/// Carries the requests of the consensus.
pub(super) struct Link(pub(super) Transport);

#[async_trait]
impl consensus::Link for Link {
    async fn call(
        &self,
        to: Option<NodeId>,
        address: SocketAddr,
        request: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, LinkError> {
        let target = Target { id: to, address };
        let call =
            self.0.call(target, Channel::Control, methods::CONSENSUS, request, deadline).await;
        call.map_err(|error| match error {
            CallError::Lost { .. } => LinkError::NoAnswer(error.to_string()),
            _ => LinkError::NotSent(error.to_string()),
        })
    }
}

/// Carries the requests of coordinators to replicas.
pub(super) struct Replicas {
    pub(super) transport: Transport,
    pub(super) membership: Arc<Membership>,
    pub(super) layouts: Arc<super::layouts::Published>,
}

#[async_trait]
impl Peers for Replicas {
    async fn call(
        &self,
        to: NodeId,
        method: u16,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, PeerError> {
        let Some(address) = self.layouts.address(to) else {
            return Err(PeerError { sent: false, reason: format!("{to} is not in the layout") });
        };
        let target = Target { id: Some(to), address };
        let channel = match method {
            message::PAGE | message::DIGESTS => Channel::Bulk,
            _ => Channel::Control,
        };
        let answer = self.transport.call(target, channel, method, body, deadline).await;
        answer.map_err(|error| PeerError { sent: error.was_sent(), reason: error.to_string() })
    }

    fn is_up(&self, node: NodeId) -> bool {
        self.membership.is_up(&node)
    }
}
