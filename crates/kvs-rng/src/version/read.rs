//! All siblings to the caller.

use kvs_core::Key;

use super::token::CausalToken;
use super::versions::Versions;

/// What a client reads that settles concurrent writes itself: all values, and the token to write its
/// own in place of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The values, in the same order on every node; none if the key is absent.
    pub values: Vec<Vec<u8>>,
    /// What was seen, tombstones too. A write with it replaces all of that; one that was concurrent
    /// with the read stays beside it.
    pub token: CausalToken,
}

impl Versions {
    /// The values of `key` at `now_ms`, with a token. Copies no value.
    pub fn into_read(self, key: &Key, now_ms: u64) -> Read {
        let (context, siblings) = self.into_parts();
        let live = siblings.into_iter().filter(|sibling| sibling.live_value(now_ms).is_some());
        Read {
            values: live.filter_map(|sibling| sibling.value).collect(),
            token: CausalToken::new(key, &context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{dot, value};
    use super::super::{Sibling, Timestamp, VersionVector};
    use super::*;

    #[test]
    fn a_client_settles_what_it_read() {
        let key = Key::from("cart");
        let nothing = VersionVector::default();
        let mut versions = Versions::default();
        let fleeting = Sibling { expires_at_ms: Some(10), ..value(dot(3, 1), "salt") };
        let tombstone = Sibling::tombstone(dot(4, 1), Timestamp::default());
        for write in [value(dot(1, 1), "milk"), value(dot(2, 1), "eggs"), fleeting, tombstone] {
            versions.write(write, Some(&nothing)).unwrap();
        }
        let read = versions.clone().into_read(&key, 10);
        assert_eq!(read.values, [b"milk", b"eggs"]);

        versions.write(value(dot(5, 1), "late"), Some(&nothing)).unwrap();
        let seen = read.token.seen(&key).unwrap();
        versions.write(value(dot(6, 1), "milk, eggs"), Some(&seen)).unwrap();
        assert_eq!(versions.into_read(&key, 10).values, [&b"late"[..], b"milk, eggs"]);
    }

    #[test]
    fn nothing_has_a_token_too() {
        let key = Key::from("cart");
        let read = Versions::default().into_read(&key, 0);
        assert!(read.values.is_empty() && read.token.seen(&key).unwrap().is_empty());
    }
}
