//! Identities of commands.

use std::fmt;

use uuid::{Builder, Uuid};

use crate::env::Env;
use crate::error::{DbaError, Result};

/// Identifies a command on an entity, so that it is applied once however often it is sent.
///
/// A UUID of version 7 (RFC 9562): ids order by the time they were made. Make one before the first
/// try and send the same one with each repetition; the newest 1,024 results of an entity are kept.
///
/// ```
/// use kvs_core::CommandId;
/// use kvs_core::env::Env;
///
/// let id = CommandId::new(&Env::system());
/// assert_eq!(id, id.to_string().parse()?);
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(Uuid);

impl CommandId {
    /// A new id.
    pub fn new(env: &Env) -> Self {
        let mut random = [0; 10];
        env.random.fill(&mut random);
        Self(Builder::from_unix_timestamp_millis(env.clock.now_ms(), &random).into_uuid())
    }

    /// When the id was made, in milliseconds since 1970, by the clock of its maker.
    pub fn made_ms(&self) -> u64 {
        // The first 48 bits (RFC 9562, section 5.7).
        u64::try_from(self.0.as_u128() >> 80).unwrap_or(u64::MAX)
    }

    /// The id's 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for CommandId {
    type Err = DbaError;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|error| DbaError::decode("command id", error))
    }
}
