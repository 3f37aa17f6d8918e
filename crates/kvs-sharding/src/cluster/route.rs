//! The accepting side: to the owner, and on to the next one if it was the wrong one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::Random;
use kvs_core::{Outcome, Value};
use kvs_rng::identity::NodeId;
use kvs_rng::log::{Owner, OwnerCallError, Owners};
use tokio::time::Instant;

use super::back_off::{BackOff, PATIENCE};
use super::host::run;
use super::wire::{Answer, Head, Refused, Request};
use crate::config::Config;
use crate::entities::{Entities, encode_message};
use crate::error::Cause;
use crate::handler::{Call, Handler};
use crate::lines::Lines;
use crate::region::Route;

/// The owner is given this much less time than there is, so that its own answer still comes in time.
const MARGIN_MAX: Duration = Duration::from_millis(50);

/// The way to the owners of a region's entities.
pub(super) struct Routed<H: Handler> {
    pub(super) name: Arc<str>,
    pub(super) entities: Arc<Entities<H>>,
    pub(super) owners: Arc<dyn Owners>,
    pub(super) calls: Arc<Lines<NodeId>>,
    pub(super) random: Arc<dyn Random>,
    pub(super) config: Config,
}

/// What one try ended with.
enum Tried {
    Reply(Vec<u8>),
    /// Nothing was done, for another node is said to be the owner.
    Elsewhere {
        owner: Option<NodeId>,
        cause: Cause,
    },
    /// May be tried again after a pause.
    Again(Cause),
    /// May be tried again for a moment.
    AgainSoon(Cause),
    Failed(Cause),
}

#[async_trait]
impl<H: Handler> Route<H::Message, H::Reply> for Routed<H> {
    async fn route(&self, call: Call, message: H::Message) -> Result<H::Reply, Cause> {
        let bytes = encode_message(&message, &self.config)?;
        drop(message);
        let reply = self.deliver(&call, &bytes).await?;
        H::Reply::from_bytes(&reply).map_err(|error| Cause::Reply { detail: error.to_string() })
    }

    fn entities(&self) -> usize {
        self.entities.len()
    }
}

impl<H: Handler> Routed<H> {
    /// Tries until there is a reply, or no sense in another try.
    async fn deliver(&self, call: &Call, message: &[u8]) -> Result<Vec<u8>, Cause> {
        let began = Instant::now();
        let mut back_off = BackOff::new(self.random.clone(), call.deadline);
        let mut named = None;
        // An earlier try may have been applied: then no later refusal can take that back.
        let mut is_unknown = false;
        loop {
            let owner = named.take().map_or_else(|| self.owners.owner(&call.entity), Owner::At);
            let (cause, goes_on) = match self.attempt(&owner, call, message).await {
                Tried::Reply(reply) => return Ok(reply),
                Tried::Elsewhere { owner, cause } => {
                    named = owner;
                    let is_named = named.is_some();
                    (
                        cause,
                        if is_named { back_off.sent_on().await } else { back_off.pause().await },
                    )
                }
                Tried::Again(cause) => {
                    let may = cause.outcome() == Outcome::NotApplied || call.command.is_some();
                    (cause, may && back_off.pause().await)
                }
                Tried::AgainSoon(cause) => {
                    (cause, began.elapsed() < PATIENCE && back_off.pause().await)
                }
                Tried::Failed(cause) => (cause, false),
            };
            is_unknown |= cause.outcome() == Outcome::Unknown;
            if !goes_on {
                return Err(settled(cause, is_unknown));
            }
        }
    }

    async fn attempt(&self, owner: &Owner, call: &Call, message: &[u8]) -> Tried {
        match owner {
            Owner::Here => self.attempt_here(call, message).await,
            Owner::At(node) => self.attempt_at(*node, call, message).await,
            Owner::Nobody { reason } => {
                Tried::AgainSoon(Cause::NoMajority { reason: reason.clone() })
            }
        }
    }

    async fn attempt_here(&self, call: &Call, message: &[u8]) -> Tried {
        match run(&self.entities, call.clone(), message, &self.config).await {
            Ok(reply) => Tried::Reply(reply),
            Err(cause) => sorted(Refused { cause, owner: None }),
        }
    }

    async fn attempt_at(&self, node: NodeId, call: &Call, message: &[u8]) -> Tried {
        let _passed = match self.calls.enter(&node, call.deadline).await {
            Ok(passed) => passed,
            Err(busy) => return Tried::Failed(busy),
        };
        let remaining = call.remaining();
        let margin = (remaining / 4).min(MARGIN_MAX);
        let head = Head {
            entity: call.entity.to_vec(),
            command: call.command.map(|id| *id.as_bytes()),
            remaining_ms: u64::try_from((remaining - margin).as_millis()).unwrap_or(u64::MAX),
        };
        let body = match (Request { head, message }).to_bytes() {
            Ok(body) => body,
            Err(detail) => return Tried::Failed(Cause::Encode { detail }),
        };
        let bytes = match self.owners.call(node, &self.name, body, remaining).await {
            Ok(bytes) => bytes,
            Err(error) => return self.unanswered(node, call, error),
        };
        match Answer::from_bytes(&bytes) {
            Ok(Answer::Reply(reply)) => Tried::Reply(reply),
            Ok(Answer::Refused(refused)) => {
                if matches!(refused.cause, Cause::NotApplied { .. }) {
                    self.owners.learn(&call.entity, refused.owner);
                }
                sorted(refused)
            }
            Err(detail) => {
                let reason = format!("the answer of {node} is not understood: {detail}");
                Tried::Failed(Cause::Unknown { reason })
            }
        }
    }

    /// What a call without an answer means.
    fn unanswered(&self, node: NodeId, call: &Call, error: OwnerCallError) -> Tried {
        match error {
            OwnerCallError::NoRegion { .. } => {
                Tried::AgainSoon(Cause::UnknownRegion { at: node.to_string() })
            }
            OwnerCallError::Peer(error) => {
                // One that only took its time is not to be replaced.
                if !call.remaining().is_zero() {
                    self.owners.learn(&call.entity, None);
                }
                let reason = error.reason;
                Tried::Again(if error.sent {
                    Cause::Unknown { reason: format!("the answer of {node} was lost: {reason}") }
                } else {
                    Cause::NotApplied { reason: format!("{node} is out of reach: {reason}") }
                })
            }
            OwnerCallError::Message { detail, sent: false } => {
                Tried::Failed(Cause::Encode { detail })
            }
            // Whatever else it was, it may have been run.
            other => Tried::Failed(Cause::Unknown { reason: other.to_string() }),
        }
    }
}

fn sorted(Refused { cause, owner }: Refused) -> Tried {
    match cause {
        Cause::NotApplied { .. } => Tried::Elsewhere { owner, cause },
        Cause::Busy { .. } | Cause::Unknown { .. } | Cause::Deadline => Tried::Again(cause),
        Cause::NoMajority { .. } | Cause::UnknownRegion { .. } => Tried::AgainSoon(cause),
        other => Tried::Failed(other),
    }
}

/// The cause to tell the caller.
fn settled(last: Cause, is_unknown: bool) -> Cause {
    if is_unknown && last.outcome() == Outcome::NotApplied {
        let reason = format!("an earlier try may have been applied; the last one: {last}");
        return Cause::Unknown { reason };
    }
    last
}
