//! The envelope around a stored value.
//!
//! ```text
//! ┌──────────┬───────┬──────────────────────────────┬─────────┐
//! │ tag 0x01 │ flags │ expiry: u64 ms, if flag 0x01 │ payload │
//! └──────────┴───────┴──────────────────────────────┴─────────┘
//! ```
//!
//! The tag names this layout; another layout gets another tag and both stay readable. The expiry is
//! big-endian, in milliseconds since 1970 UTC; from that moment on the row reads as absent. Unknown
//! tags and flags are errors, never guessed at.

use crate::error::{DbaError, Result};

const TAG: u8 = 0x01;
const FLAG_EXPIRY: u8 = 0x01;

/// Bytes that an envelope without an expiry adds.
pub const OVERHEAD: usize = 2;

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// From when on the row reads as absent, in milliseconds since 1970 UTC.
    pub expires_at_ms: Option<u64>,
    /// The value.
    pub payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// The envelope of a value that doesn't expire.
    pub fn new(payload: &'a [u8]) -> Self {
        Self { expires_at_ms: None, payload }
    }

    /// Appends the envelope to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(OVERHEAD + self.payload.len());
        out.push(TAG);
        match self.expires_at_ms {
            None => out.push(0),
            Some(ms) => {
                out.push(FLAG_EXPIRY);
                out.extend_from_slice(&ms.to_be_bytes());
            }
        }
        out.extend_from_slice(self.payload);
    }

    /// The envelope as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Reads an envelope.
    pub fn decode(stored: &'a [u8]) -> Result<Self> {
        match stored {
            [TAG, 0, payload @ ..] => Ok(Self::new(payload)),
            [TAG, FLAG_EXPIRY, rest @ ..] => match rest.split_first_chunk() {
                Some((ms, payload)) => {
                    Ok(Self { expires_at_ms: Some(u64::from_be_bytes(*ms)), payload })
                }
                None => Err(DbaError::decode("stored value", "its expiry is cut off")),
            },
            [TAG, flags, ..] => {
                Err(DbaError::decode("stored value", format!("unknown flags {flags:#04x}")))
            }
            [tag, ..] => Err(DbaError::decode(
                "stored value",
                format!("unknown envelope tag {tag:#04x}, this release knows {TAG:#04x}"),
            )),
            [] => Err(DbaError::decode("stored value", "it is empty")),
        }
    }

    /// Whether the row reads as absent at `now_ms`.
    pub fn is_expired(&self, now_ms: impl FnOnce() -> u64) -> bool {
        self.expires_at_ms.is_some_and(|at| at <= now_ms())
    }
}
