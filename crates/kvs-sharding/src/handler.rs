//! What an entity does with its messages.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use kvs_core::{CallOptions, CommandId, DbaError, Outcome, Value};
use tokio::time::Instant;

use crate::error::Cause;

/// How long the state of an idle entity is kept, unless the handler says otherwise.
pub const KEEP: Duration = Duration::from_secs(120);

/// Handles the messages of a region's entities.
///
/// A region has one handler for all of its entities. For one entity it is called for one message at a
/// time; for different entities at the same time.
///
/// `handle` is called by the task of whoever sends, and goes on in a task of its own if it has to
/// wait, so that it comes to its end even if the caller goes away. It must not block the thread. If
/// it is not done by the message's deadline it is dropped where it waits.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What can be sent.
    type Message: Value;

    /// What comes back.
    type Reply: Value;

    /// What an entity in use keeps in memory.
    ///
    /// It is gone when the entity is passivated or moves, and after a panic or a deadline in
    /// `handle`: what has to last belongs into a store.
    type State: Send + 'static;

    /// The state of an entity that comes into use. Part of handling its first message: the same
    /// deadline holds.
    async fn activate(&self, entity: &[u8]) -> Self::State;

    /// Handles one message. A message that was repeated with the same command id may come more than
    /// once: whoever writes has to see to it that it is applied once, as
    /// [`entity::run`](kvs_core::entity::run) does.
    async fn handle(
        &self,
        state: &mut Self::State,
        message: Self::Message,
        call: &Call,
    ) -> Handled<Self::Reply>;

    /// How long the state of an idle entity is kept; it goes within one and a half times that. With
    /// zero it goes at once. Default [`KEEP`].
    fn keep(&self) -> Duration {
        KEEP
    }
}

/// The answer of a handler.
pub enum Handled<R> {
    /// The reply.
    Now(R),
    /// The reply follows; the entity's next message begins meanwhile.
    ///
    /// The future is for waiting, for example until what was written is replicated: it is dropped
    /// when the caller goes away or the deadline passes.
    Later(BoxFuture<'static, Result<R, Failure>>),
    /// There is no reply.
    Failed(Failure),
}

/// Why a handler has no reply.
///
/// For what concerns where and whether a message is run. An error of the application, such as "no
/// such account", is a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing was or will be applied, and it may be later or elsewhere, for example because this node
    /// doesn't own the entity any more: the message goes to the owner.
    NotApplied {
        /// What happened.
        reason: String,
    },
    /// Too few nodes answered, and nothing was or will be applied: the message is tried again for a
    /// moment.
    NoMajority {
        /// Who was missing.
        reason: String,
    },
    /// It may have been applied, or may still be: the message is tried again only if it has a command
    /// id.
    Unknown {
        /// What happened.
        reason: String,
    },
}

impl Failure {
    /// What an error of a store says of where and whether a message is run; `None` if it says nothing
    /// of that, so that it belongs into the reply.
    pub fn of_store(error: &DbaError) -> Option<Self> {
        let reason = error.to_string();
        match error {
            DbaError::NotOwner { .. } => Some(Self::NotApplied { reason }),
            DbaError::Quorum { outcome: Outcome::NotApplied, .. } => {
                Some(Self::NoMajority { reason })
            }
            DbaError::Ring { outcome: Outcome::NotApplied, is_retryable: true, .. } => {
                Some(Self::NotApplied { reason })
            }
            DbaError::Quorum { .. } | DbaError::Ring { outcome: Outcome::Unknown, .. } => {
                Some(Self::Unknown { reason })
            }
            _ => None,
        }
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotApplied { reason } => Self::NotApplied { reason },
            Failure::NoMajority { reason } => Self::NoMajority { reason },
            Failure::Unknown { reason } => Self::Unknown { reason },
        }
    }
}

/// What a message brings along.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) entity: Arc<[u8]>,
    pub(crate) command: Option<CommandId>,
    pub(crate) deadline: Instant,
}

impl Call {
    /// The id of the entity that the message is for.
    pub fn entity(&self) -> &Arc<[u8]> {
        &self.entity
    }

    /// The message's command id, if it has one.
    pub fn command(&self) -> Option<CommandId> {
        self.command
    }

    /// How much time is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Command id and deadline as options for a store.
    pub fn options(&self) -> CallOptions {
        let options = CallOptions::default().deadline(self.remaining());
        match self.command {
            Some(id) => options.command(id),
            None => options,
        }
    }
}

/// A handler without state, made of a function; see [`stateless`].
pub struct Stateless<F, M, R> {
    function: F,
    _types: PhantomData<fn(M) -> R>,
}

impl<F: Clone, M, R> Clone for Stateless<F, M, R> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), _types: PhantomData }
    }
}

/// The simple form of a [`Handler`]: an async function from a message to its reply.
pub fn stateless<F, M, R, Fut>(function: F) -> Stateless<F, M, R>
where
    F: Fn(Call, M) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    M: Value,
    R: Value,
{
    Stateless { function, _types: PhantomData }
}

#[async_trait]
impl<F, M, R, Fut> Handler for Stateless<F, M, R>
where
    F: Fn(Call, M) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    M: Value,
    R: Value,
{
    type Message = M;
    type Reply = R;
    type State = ();

    async fn activate(&self, _entity: &[u8]) {}

    async fn handle(&self, (): &mut (), message: M, call: &Call) -> Handled<R> {
        Handled::Now((self.function)(call.clone(), message).await)
    }

    fn keep(&self) -> Duration {
        Duration::ZERO
    }
}
