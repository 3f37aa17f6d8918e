//! The first row of an entity: what it is.
//!
//! ```text
//! ┌────────┬──────────────────┬──────┬───────┐
//! │ tag 01 │ length: u8       │ type │ state │
//! └────────┴──────────────────┴──────┴───────┘
//! ```
//!
//! All entities share one namespace, so a name belongs to the type that used it first. The state is
//! the type's own: counters, mostly.

use crate::codec::Value;
use crate::dba::Dba;
use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::options::CallOptions;

const TAG: u8 = 0x01;

/// The clustering key of the header.
pub const CLUSTERING: [u8; 0] = [];

/// The state of the entity `name`, which must be of type `expected`; `None` if it doesn't exist.
///
/// # Errors
/// [`DbaError::WrongType`] if the name belongs to an entity of another type.
pub async fn load<S: Value>(
    dba: &dyn Dba,
    name: &[u8],
    expected: &'static str,
    options: &CallOptions,
) -> Result<Option<S>> {
    let key = Key::new(name, CLUSTERING);
    let Some(bytes) = dba.get_with(&key, options).await? else { return Ok(None) };
    let (found, state) = decode(&bytes)?;
    if found != expected.as_bytes() {
        return Err(DbaError::WrongType {
            name: name.escape_ascii().to_string(),
            found: found.escape_ascii().to_string(),
            expected,
        });
    }
    S::from_bytes(state).map(Some)
}

/// The header's bytes.
pub fn encode<S: Value>(kind: &'static str, state: &S) -> Result<Vec<u8>> {
    let length =
        u8::try_from(kind.len()).map_err(|error| DbaError::encode("entity type", error))?;
    let mut bytes = Vec::with_capacity(kind.len() + 24);
    bytes.extend_from_slice(&[TAG, length]);
    bytes.extend_from_slice(kind.as_bytes());
    state.encode_into(&mut bytes)?;
    Ok(bytes)
}

/// The type of the entity `name`, as in `feed`; `None` if there is no such entity.
pub async fn type_of(dba: &dyn Dba, name: &[u8]) -> Result<Option<String>> {
    let Some(bytes) = dba.get(&Key::new(name, CLUSTERING)).await? else { return Ok(None) };
    let (found, _) = decode(&bytes)?;
    Ok(Some(found.escape_ascii().to_string()))
}

fn decode(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let [TAG, length, rest @ ..] = bytes else {
        return Err(DbaError::decode("entity header", "its tag is unknown"));
    };
    let split = rest.split_at_checked(usize::from(*length));
    split.ok_or_else(|| DbaError::decode("entity header", "its type is cut off"))
}
