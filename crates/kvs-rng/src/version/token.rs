//! What a client has seen of a key.

use kvs_core::{DbaError, Key, Result};
use xxhash_rust::xxh3::Xxh3;

use super::bytes::Reader;
use super::vector::VersionVector;

const WHAT: &str = "causal token";
const TAG: u8 = 0x43;
const VERSION: u8 = 1;

/// What a client had seen of a key when it read it: given back with a write, it says what that write
/// replaces.
///
/// ```text
/// ┌──────────┬──────────────┬─────────────────────────────────┬───────────────┐
/// │ tag 0x43 │ version 0x01 │ vector: nodes: varint │ node …  │ checksum: u64 │
/// └──────────┴──────────────┴─────────────────────────────────┴───────────────┘
/// node: id: 16 bytes │ counter: varint
/// ```
///
/// The checksum is XXH3-64 over the key and all bytes before it: a token of another key, or one that
/// was damaged on the way, is refused. It is no protection from a client that makes up a token; such a
/// token can replace what the key's writers could replace anyway, and nothing that is written later
/// (see [`Versions::write`](super::Versions::write)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CausalToken(Vec<u8>);

impl CausalToken {
    /// The token of a client that has seen these writes of `key`.
    pub fn new(key: &Key, seen: &VersionVector) -> Self {
        let mut bytes = Vec::with_capacity(2 + seen.put_len() + 8);
        bytes.extend_from_slice(&[TAG, VERSION]);
        seen.put(&mut bytes);
        let checksum = checksum(key, &bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        Self(bytes)
    }

    /// A token that a client gave back. It is looked at when it is used.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, for the client.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The writes of `key` that were seen. Bytes that are no token, or one of another key, are an
    /// error; so are more than [`NODES_MAX`](super::NODES_MAX) nodes.
    pub fn seen(&self, key: &Key) -> Result<VersionVector> {
        // First the tag, so that a token of another format is called that.
        Reader::open(WHAT, &self.0, TAG, VERSION)?;
        let Some((body, checksum_found)) = self.0.split_last_chunk() else {
            return Err(DbaError::decode(WHAT, "it is cut off"));
        };
        if u64::from_be_bytes(*checksum_found) != checksum(key, body) {
            let problem = format!("it is damaged, or not a token of the key {key}");
            return Err(DbaError::decode(WHAT, problem));
        }
        let mut reader = Reader::open(WHAT, body, TAG, VERSION)?;
        let seen = VersionVector::read(&mut reader)?;
        reader.end()?;
        Ok(seen)
    }
}

fn checksum(key: &Key, body: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(key.partition().len() as u64).to_be_bytes());
    hash.update(key.partition());
    hash.update(&(key.clustering().len() as u64).to_be_bytes());
    hash.update(key.clustering());
    hash.update(body);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{dot, vector};
    use super::*;

    /// Bytes with a checksum that is right.
    fn sealed(key: &Key, body: &[u8]) -> CausalToken {
        CausalToken([body, &checksum(key, body).to_be_bytes()].concat())
    }

    #[test]
    fn the_format_is_held_still() {
        let key = Key::new("partition", "clustering");
        let token = CausalToken::new(&key, &[dot(7, 200)].into_iter().collect());
        let body = [&[0x43, 0x01, 1], &[7; 16][..], &[0xC8, 0x01]].concat();
        let checksum = [0xDC, 0x14, 0x08, 0xD9, 0x1A, 0x92, 0x97, 0x9D];
        assert_eq!(token.as_bytes(), [&body[..], &checksum].concat());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seen in vector()) {
            let key = Key::from("a");
            let token = CausalToken::new(&key, &seen);
            prop_assert_eq!(CausalToken::from_bytes(token.as_bytes()).seen(&key).unwrap(), seen);
        }

        #[test]
        fn bytes_are_read_exactly_or_refused(body in prop::collection::vec(any::<u8>(), 0..100)) {
            let key = Key::from("a");
            prop_assert!(CausalToken::from_bytes(&body[..]).seen(&key).is_err());
            let body = [&[TAG, VERSION], &body[..]].concat();
            let token = sealed(&key, &body);
            if let Ok(seen) = token.seen(&key) {
                prop_assert_eq!(CausalToken::new(&key, &seen), token);
            }
        }

        #[test]
        fn a_changed_token_is_refused(seen in vector(), at: prop::sample::Index, by in 1..=255_u8) {
            let key = Key::from("a");
            let mut bytes = CausalToken::new(&key, &seen).0;
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            prop_assert!(CausalToken(bytes).seen(&key).is_err());
        }
    }

    #[test]
    fn fuzz_token() {
        let key = Key::from("a");
        bolero::check!().with_iterations(1000).for_each(|bytes: &[u8]| {
            let _ = CausalToken::from_bytes(bytes).seen(&key);
            let token = sealed(&key, &[&[TAG, VERSION, 1], bytes].concat());
            if let Ok(seen) = token.seen(&key) {
                assert_eq!(CausalToken::new(&key, &seen), token);
            }
        });
    }

    #[test]
    fn wrong_tokens_are_refused_and_named() {
        let key = Key::new("ab", "c");
        let token = CausalToken::new(&key, &[dot(7, 200)].into_iter().collect());
        let error = token.seen(&Key::new("a", "bc")).unwrap_err().to_string();
        assert!(error.contains("not a token of the key a:bc"), "{error}");

        let cases = [
            (CausalToken::from_bytes([]), "0 bytes"),
            (CausalToken::from_bytes([TAG, VERSION]), "cut off"),
            (CausalToken::from_bytes([1, 2, 3]), "unknown tag 0x01"),
            (CausalToken::from_bytes([TAG, 9, 0]), "format version 9"),
            (sealed(&key, &[TAG, VERSION, 0, 0]), "left over"),
            (sealed(&key, &[TAG, VERSION, 2]), "cut off"),
            (sealed(&key, &[TAG, VERSION, 0x81, 0x20]), "4097 nodes"),
        ];
        for (token, expected) in cases {
            let error = token.seen(&key).unwrap_err().to_string();
            assert!(error.contains(expected), "{token:?}: {error}");
        }
    }
}
