//! Ordered bytes in place of the value they are of.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::Bytes;
use crate::codec::encoded::BytesVisitor;
use crate::error::Result;

/// By this name the ordered encoding knows that bytes are to be taken as they are.
pub(super) const NAME: &str = "kvs_core::codec::ordered::OrderedBytes";

/// A value in [ordered bytes](super) already: what carries keys without knowing their type.
///
/// In an ordered encoding it is the bytes themselves; they sort as the values do, so a sorted set of
/// `OrderedBytes` holds the same rows in the same order as one of the type they are of. Reading takes
/// all bytes that are left, so it must come last in what it is part of. In other encodings it is a
/// string of bytes.
///
/// ```
/// use kvs_core::codec::ordered::{OrderedBytes, to_bytes};
///
/// let (low, high) = (OrderedBytes::new(&-5_i64)?, OrderedBytes::new(&7_i64)?);
/// assert!(low < high);
/// assert_eq!(to_bytes(&low)?, to_bytes(&-5_i64)?);
/// assert_eq!(low.decode::<i64>()?, -5);
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderedBytes(pub Vec<u8>);

impl OrderedBytes {
    /// The ordered bytes of `value`.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        super::to_bytes(value).map(Self)
    }

    /// The value, if these are bytes of its type.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        super::from_bytes(&self.0)
    }
}

impl Serialize for OrderedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The bytes, borrowed.
        struct Borrowed<'a>(&'a [u8]);

        impl Serialize for Borrowed<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }

        serializer.serialize_newtype_struct(NAME, &Borrowed(&self.0))
    }
}

impl<'de> Deserialize<'de> for OrderedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, RawVisitor).map(Self)
    }
}

/// Takes the bytes as the ordered encoding gives them, or as any other does.
struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ordered bytes")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Vec<u8>, D::Error> {
        Bytes::deserialize(inner).map(|bytes| bytes.0)
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        BytesVisitor.visit_byte_buf(bytes)
    }
}
