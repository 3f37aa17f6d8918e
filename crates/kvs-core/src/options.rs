//! What one call may ask for beyond the defaults.

use std::time::Duration;

use crate::entity::CommandId;

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

/// How far a session has read, as the store handed it out. Opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionToken(pub Vec<u8>);

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
    /// What the session has seen so far.
    pub session: Option<SessionToken>,
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

    /// Asks for reads that never go back behind `session`.
    pub fn session(self, session: SessionToken) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Makes the command repeatable: the same id is applied once, and a repetition gets the first
    /// one's answer.
    pub fn command(self, id: CommandId) -> Self {
        Self { command: Some(id), ..self }
    }
}
