//! The owner's side: messages that other nodes have accepted.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use kvs_core::env::Background;
use kvs_core::{CommandId, Value};
use kvs_rng::hash::Bucket;
use kvs_rng::identity::NodeId;
use kvs_rng::log::{Owner, Owners, RegionHandler};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::wire::{Answer, Refused, Request};
use crate::config::{Config, DEADLINE_MAX};
use crate::entities::{Entities, Shards, check_id, encode_reply};
use crate::error::Cause;
use crate::handler::{Call, Handler};

/// A region as other nodes see it.
pub(super) struct Host<H: Handler> {
    entities: Arc<Entities<H>>,
    owners: Weak<dyn Owners>,
    config: Config,
    _listener: Background,
}

impl<H: Handler> Host<H> {
    pub(super) fn new(
        entities: Arc<Entities<H>>,
        owners: Weak<dyn Owners>,
        lost: broadcast::Receiver<Bucket>,
        config: Config,
    ) -> Self {
        let listener = Background::run(hand_over(entities.clone(), lost));
        Self { entities, owners, config, _listener: listener }
    }

    async fn answer(&self, request: Request<'_>) -> Result<Vec<u8>, Cause> {
        let Request { head, message } = request;
        check_id(&head.entity)?;
        let deadline = Instant::now() + head.remaining().min(DEADLINE_MAX);
        let command = head.command.map(CommandId::from_bytes);
        let call = Call { entity: head.entity.into(), command, deadline };
        run(&self.entities, call, message, &self.config).await
    }

    /// The owner to name to somebody who was wrong here.
    fn owner(&self, entity: &[u8], cause: &Cause) -> Option<NodeId> {
        if !matches!(cause, Cause::NotApplied { .. }) {
            return None;
        }
        match self.owners.upgrade()?.owner(entity) {
            Owner::At(node) => Some(node),
            Owner::Here | Owner::Nobody { .. } => None,
        }
    }
}

/// Runs an encoded message at this node.
pub(super) async fn run<H: Handler>(
    entities: &Arc<Entities<H>>,
    call: Call,
    message: &[u8],
    config: &Config,
) -> Result<Vec<u8>, Cause> {
    let message = H::Message::from_bytes(message);
    let message = message.map_err(|error| Cause::UnknownMessage { detail: error.to_string() })?;
    let reply = entities.deliver(call, message).await?;
    encode_reply(&reply, config)
}

#[async_trait]
impl<H: Handler> RegionHandler for Host<H> {
    /// Whatever the bytes are, there is an answer.
    async fn call(&self, _from: NodeId, body: Vec<u8>) -> Vec<u8> {
        let request = match Request::from_bytes(&body) {
            Ok(request) => request,
            Err(detail) => {
                let cause = Cause::UnknownMessage { detail };
                return Answer::Refused(Refused { cause, owner: None }).to_bytes();
            }
        };
        let entity = request.head.entity.clone();
        let answer = match self.answer(request).await {
            Ok(reply) => Answer::Reply(reply),
            Err(cause) => {
                let owner = self.owner(&entity, &cause);
                Answer::Refused(Refused { cause, owner })
            }
        };
        answer.to_bytes()
    }
}

/// Hands over what is lost, as it is lost.
async fn hand_over<H: Handler>(entities: Arc<Entities<H>>, mut lost: broadcast::Receiver<Bucket>) {
    loop {
        match lost.recv().await {
            Ok(bucket) => entities.hand_over(bucket.0),
            // More was lost than is told one by one.
            Err(broadcast::error::RecvError::Lagged(_)) => entities.hand_over_lost(),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Entities by the bucket that they are in.
pub(super) struct ByOwners(pub(super) Weak<dyn Owners>);

impl Shards for ByOwners {
    fn of(&self, entity: &[u8]) -> u32 {
        let bucket = self.0.upgrade().and_then(|owners| owners.bucket_of(entity));
        // Without a bucket there is no owner, and nothing is run.
        bucket.map_or(0, |bucket| bucket.0)
    }

    fn check(&self, entity: &[u8]) -> Result<(), Cause> {
        let reason = match self.0.upgrade().map(|owners| owners.owner(entity)) {
            Some(Owner::Here) => return Ok(()),
            Some(Owner::At(node)) => format!("the owner is {node}"),
            Some(Owner::Nobody { reason }) => return Err(Cause::NoMajority { reason }),
            None => "this node is shutting down".to_owned(),
        };
        Err(Cause::NotApplied { reason })
    }
}
