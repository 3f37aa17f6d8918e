//! What one call may ask for beyond the defaults.

use std::time::Duration;

use crate::entity::CommandId;
use crate::session::Session;

/// How fresh a read has to be.
///
/// An embedded store has one copy of everything and always gives [`Linearizable`]; the choice is
/// for stores with replicas.
///
/// [`Linearizable`]: Self::Linearizable
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Sees every write acknowledged before the read began.
    #[default]
    Linearizable,
    /// Sees at least what this session has seen, by [`CallOptions::session`].
    Session,
    /// Whatever the nearest replica holds.
    Eventual,
}

/// Options of one call; the default asks for nothing special.
///
/// ```
/// use std::time::Duration;
/// use kvs_core::CallOptions;
///
/// let hurry = CallOptions::default().deadline(Duration::from_millis(50));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the call may take, from its start. Work that the disk has begun is not torn off:
    /// the deadline bounds the waiting before it.
    pub deadline: Option<Duration>,
    /// How fresh a read has to be.
    pub consistency: Consistency,
    /// The session that the call is part of. It advances with the call; with
    /// [`Consistency::Session`] the call sees at least what the session has seen.
    pub session: Option<Session>,
    /// Identifies a command on an entity, so that a repeated one is applied once.
    pub command: Option<CommandId>,
}

impl CallOptions {
    /// Bounds how long the call may wait.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Asks for reads as fresh as `consistency` says.
    pub fn consistency(self, consistency: Consistency) -> Self {
        Self { consistency, ..self }
    }

    /// Makes calls part of a session, and asks for reads that never go back behind it.
    pub fn session(self, session: Session) -> Self {
        Self { session: Some(session), consistency: Consistency::Session, ..self }
    }

    /// Makes the command repeatable: the same id is applied once, and a repetition gets the first
    /// one's answer.
    pub fn command(self, id: CommandId) -> Self {
        Self { command: Some(id), ..self }
    }
}
