//! Keys whose bytes sort as their values do.
//!
//! [`to_bytes`] keeps the order that `#[derive(PartialOrd, Ord)]` gives: for any two values of one
//! type, comparing their bytes is comparing the values. (A hand-written `Ord` that orders otherwise
//! is not seen here: what counts are the fields and variants in the order they are declared.)
//!
//! | value | bytes |
//! |---|---|
//! | `bool` | `00`, `01` |
//! | unsigned integer | big-endian, at its width |
//! | signed integer | the same with the sign bit flipped |
//! | `f32`, `f64` | IEEE 754 bits; sign bit flipped if positive, all bits if negative; −0 as 0 |
//! | `char` | as `u32` |
//! | string, bytes | with `00` written as `00 FF`, then `00 01` |
//! | option | `00`, or `01` and the value |
//! | sequence, map | `01` before each element, `00` at the end |
//! | tuple, struct | its fields, one after another |
//! | enum | the variant's index as `u32`, then its fields |
//! | unit | nothing |
//!
//! No value's bytes begin with another's, so they can be followed by more. (After the key encodings
//! of FoundationDB's tuple layer and of toydb.)

mod de;
mod raw;
mod ser;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{DbaError, Result};

pub use raw::OrderedBytes;

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0x01;
const ABSENT: u8 = 0x00;
const PRESENT: u8 = 0x01;

/// The value's bytes.
///
/// ```
/// use kvs_core::codec::ordered::{from_bytes, to_bytes};
///
/// let (low, high) = (to_bytes(&("ab", -5_i64))?, to_bytes(&("b", -7_i64))?);
/// assert!(low < high);
/// assert_eq!(from_bytes::<(String, i64)>(&high)?, ("b".to_owned(), -7));
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    encode_into(&mut out, value)?;
    Ok(out)
}

/// Appends the value's bytes to `out`.
pub fn encode_into<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    let encoded = value.serialize(&mut ser::Serializer { out, is_raw: false });
    encoded.map_err(|error| DbaError::encode(std::any::type_name::<T>(), error))
}

/// Reads a value back. Missing, left-over or impossible bytes are errors.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let wrong = |detail: String| DbaError::decode(std::any::type_name::<T>(), detail);
    let mut input = de::Deserializer { input: bytes };
    let value = T::deserialize(&mut input).map_err(|error| wrong(error.to_string()))?;
    match input.input {
        [] => Ok(value),
        rest => Err(wrong(format!("{} bytes are left over", rest.len()))),
    }
}

/// What `serde` gets to hear when a key can't be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Error(String);

impl serde::ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[cfg(test)]
mod tests;
