//! Values to bytes and back.
//!
//! A stored value says exactly how to read it; nothing is found out by trying:
//!
//! ```text
//! ┌──────────┬─────────────────┬──────────────────────┐
//! │ tag 0x01 │ version: varint │ the value in postcard │
//! └──────────┴─────────────────┴──────────────────────┘
//! ```
//!
//! Any type of `serde` is a [`Value`]; its version is 1. A type whose shape changes over time tells
//! its history by implementing [`Schema`] and is stored as [`Versioned`]: old bytes are migrated as
//! they are read. [`ordered`] is another encoding, for keys. What carries values without knowing their
//! type takes them [`Encoded`].

mod encoded;
pub mod ordered;
mod versioned;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{DbaError, Result};

pub use encoded::{Bytes, Encoded, Raw};
pub use versioned::{Initial, Schema, Versioned};

const TAG_POSTCARD: u8 = 0x01;
const FIRST_VERSION: u32 = 1;

/// What can be stored as a value: every `serde` type, and [`Versioned`] ones.
///
/// ```
/// use kvs_core::Value;
///
/// let bytes = ("Ada".to_owned(), 1815).to_bytes()?;
/// assert_eq!(<(String, i32)>::from_bytes(&bytes)?, ("Ada".to_owned(), 1815));
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
pub trait Value: Sized + Send + Sync + 'static {
    /// Appends the value's bytes.
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()>;

    /// Reads a value back. An unknown tag, a newer version, missing or left-over bytes are errors.
    fn from_bytes(bytes: &[u8]) -> Result<Self>;

    /// The value's bytes.
    fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(128);
        self.encode_into(&mut out)?;
        Ok(out)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Value for T {
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()> {
        encode(FIRST_VERSION, self, out)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (version, body) = split_version::<T>(bytes)?;
        if version != FIRST_VERSION {
            return Err(newer::<T>(version, FIRST_VERSION));
        }
        body_from_bytes(body)
    }
}

fn encode<T: Serialize>(version: u32, value: &T, out: &mut Vec<u8>) -> Result<()> {
    let what = std::any::type_name::<T>();
    out.push(TAG_POSTCARD);
    postcard::to_io(&version, &mut *out).map_err(|error| DbaError::encode(what, error))?;
    postcard::to_io(value, out).map_err(|error| DbaError::encode(what, error))?;
    Ok(())
}

/// The version and what follows it.
fn split_version<T>(bytes: &[u8]) -> Result<(u32, &[u8])> {
    let what = std::any::type_name::<T>();
    let [tag, rest @ ..] = bytes else { return Err(DbaError::decode(what, "it is empty")) };
    if *tag != TAG_POSTCARD {
        return Err(DbaError::decode(what, format!("unknown codec tag {tag:#04x}")));
    }
    postcard::take_from_bytes(rest).map_err(|error| DbaError::decode(what, error))
}

fn body_from_bytes<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let what = std::any::type_name::<T>();
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(DbaError::decode(what, format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(DbaError::decode(what, error)),
    }
}

fn newer<T>(found: u32, known: u32) -> DbaError {
    let detail = format!("it has schema version {found}, this program knows {known}");
    DbaError::decode(std::any::type_name::<T>(), detail)
}
