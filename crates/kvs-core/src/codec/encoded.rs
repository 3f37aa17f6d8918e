//! Bytes that pass through an encoding as they are.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{TAG_POSTCARD, Value};
use crate::error::{DbaError, Result};

/// A value that is encoded already: what carries values without knowing their type.
///
/// It is read and written as it is, so a feed of `Encoded` holds the same rows as a feed of the type
/// that the bytes are of. Bytes that don't begin as an encoded value does are refused both ways;
/// whether the rest is one only its type can tell.
///
/// ```
/// use kvs_core::{Value, codec::Encoded};
///
/// let bytes = 7_u32.to_bytes()?;
/// assert_eq!(Encoded(bytes.clone()).to_bytes()?, bytes);
/// assert!(Encoded(b"seven".to_vec()).to_bytes().is_err());
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encoded(pub Vec<u8>);

impl Encoded {
    /// The bytes of `value`.
    pub fn new<T: Value>(value: &T) -> Result<Self> {
        value.to_bytes().map(Self)
    }

    /// The value, if these are bytes of its type.
    pub fn decode<T: Value>(&self) -> Result<T> {
        T::from_bytes(&self.0)
    }

    fn problem(bytes: &[u8]) -> Option<String> {
        match bytes {
            [] => Some("it is empty".to_owned()),
            [TAG_POSTCARD, ..] => None,
            [tag, ..] => Some(format!("unknown codec tag {tag:#04x}")),
        }
    }
}

impl Value for Encoded {
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()> {
        if let Some(problem) = Self::problem(&self.0) {
            return Err(DbaError::encode("encoded value", problem));
        }
        out.extend_from_slice(&self.0);
        Ok(())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match Self::problem(bytes) {
            None => Ok(Self(bytes.to_vec())),
            Some(problem) => Err(DbaError::decode("encoded value", problem)),
        }
    }
}

/// Bytes without any encoding, as clients that know no types store them. Every string of bytes is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Raw(pub Vec<u8>);

impl Value for Raw {
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.0);
        Ok(())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(bytes.to_vec()))
    }
}

/// Bytes to `serde`. The same in postcard as a `Vec<u8>`, but copied as a whole and not one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor).map(Self)
    }
}

pub(super) struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Vec<u8>, A::Error> {
        let mut all = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            all.push(byte);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_postcard_what_a_vector_is() {
        let vector = vec![7_u8; 300];
        let bytes = Bytes(vector.clone()).to_bytes().unwrap();
        assert_eq!(bytes, vector.to_bytes().unwrap());
        assert_eq!(Bytes::from_bytes(&bytes).unwrap(), Bytes(vector));
    }

    #[test]
    fn what_is_no_encoded_value_is_refused_both_ways() {
        for (bytes, expected) in [(vec![], "empty"), (vec![9, 1], "unknown codec tag 0x09")] {
            let read = Encoded::from_bytes(&bytes).unwrap_err().to_string();
            let written = Encoded(bytes).to_bytes().unwrap_err().to_string();
            assert!(read.contains(expected) && written.contains(expected), "{read}; {written}");
        }
    }
}
