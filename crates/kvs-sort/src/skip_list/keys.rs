//! Some keys in a row, in one piece of memory.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Keys in order. Reading them back takes two allocations, however many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    lengths: Vec<usize>,
    bytes: Bytes,
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether the lengths are those of the bytes; the other methods rely on it.
    pub(super) fn is_valid(&self) -> bool {
        let total = self.lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
        total == Some(self.bytes.0.len())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.0.as_slice();
        self.lengths.iter().map_while(move |length| {
            let (key, others) = rest.split_at_checked(*length)?;
            rest = others;
            Some(key)
        })
    }

    pub(super) fn get(&self, at: usize) -> Option<&[u8]> {
        self.iter().nth(at)
    }

    /// Puts a key before the one at `at`.
    pub(super) fn insert(&mut self, at: usize, key: &[u8]) {
        let offset = self.offset(at);
        self.bytes.0.splice(offset..offset, key.iter().copied());
        self.lengths.insert(at, key.len());
    }

    pub(super) fn remove(&mut self, at: usize) {
        let offset = self.offset(at);
        let length = self.lengths.remove(at);
        self.bytes.0.drain(offset..offset + length);
    }

    /// Takes away the keys from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let bytes = Bytes(self.bytes.0.split_off(self.offset(at)));
        Self { lengths: self.lengths.split_off(at), bytes }
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.lengths.append(&mut others.lengths);
        self.bytes.0.append(&mut others.bytes.0);
    }

    fn offset(&self, at: usize) -> usize {
        self.lengths.iter().take(at).sum()
    }
}

/// Bytes that `serde` gets to see in one piece. (A `Vec<u8>` is a list of numbers to it.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use kvs_core::Value;

    use super::*;

    fn list(keys: &Keys) -> Vec<&[u8]> {
        keys.iter().collect()
    }

    #[test]
    fn keys_are_a_list() {
        let mut keys = Keys::default();
        for (at, key) in [(0, "c"), (0, "a"), (1, "bbb"), (3, "dd")] {
            keys.insert(at, key.as_bytes());
        }
        assert_eq!(list(&keys), [&b"a"[..], b"bbb", b"c", b"dd"]);
        assert_eq!((keys.len(), keys.get(1), keys.get(4)), (4, Some(&b"bbb"[..]), None));
        assert_eq!(Keys::from_bytes(&keys.to_bytes().unwrap()).unwrap(), keys);

        let end = keys.split_off(2);
        assert_eq!((list(&keys), list(&end)), (vec![&b"a"[..], b"bbb"], vec![&b"c"[..], b"dd"]));
        keys.remove(0);
        keys.append(end);
        assert_eq!(list(&keys), [&b"bbb"[..], b"c", b"dd"]);
        assert!(keys.is_valid());
    }

    #[test]
    fn lengths_have_to_add_up() {
        for lengths in [vec![], vec![2], vec![1, 1, 2], vec![usize::MAX, 4]] {
            assert!(!Keys { lengths, bytes: Bytes(b"abc".to_vec()) }.is_valid());
        }
    }
}
