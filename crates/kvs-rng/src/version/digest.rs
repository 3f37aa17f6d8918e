//! A key's versions in 64 bits.

use xxhash_rust::xxh3::Xxh3;

use super::versions::Versions;

impl Versions {
    /// A digest of `key`'s bytes and the versions: XXH3-64 over both, with lengths, as big-endian
    /// numbers. Equal versions have equal digests in every release, whatever the format they are
    /// stored in; a key that was never written has the digest 0.
    ///
    /// Made to be added up (wrapping): a change of a key takes its old digest from a sum and adds
    /// the new one. Costs a pass over the values. It finds differences, not forgeries.
    pub fn digest(&self, key: &[u8]) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let mut digest = Digest(Xxh3::new());
        digest.bytes(key);
        digest.number(self.context().len() as u64);
        for dot in self.context().iter() {
            digest.0.update(dot.node.as_bytes());
            digest.number(dot.counter);
        }
        digest.number(self.siblings().len() as u64);
        for sibling in self.siblings() {
            digest.0.update(sibling.dot.node.as_bytes());
            digest.number(sibling.dot.counter);
            digest.number(sibling.timestamp.to_bits());
            digest.option(sibling.expires_at_ms, Digest::number);
            digest.option(sibling.value.as_deref(), Digest::bytes);
        }
        digest.0.digest()
    }
}

struct Digest(Xxh3);

impl Digest {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn option<T>(&mut self, option: Option<T>, add: impl FnOnce(&mut Self, T)) {
        self.0.update(&[u8::from(option.is_some())]);
        if let Some(some) = option {
            add(self, some);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::super::samples::{dot, value, versions};
    use super::*;

    #[test]
    fn the_digest_is_held_still() {
        let mut versions = Versions::default();
        assert_eq!(versions.digest(b"key"), 0);
        versions.write(value(dot(7, 9), "value"), None).unwrap();
        let number = |number: u64| number.to_be_bytes().to_vec();
        let dot = || [&[7; 16][..], &number(9)].concat();
        let sibling = [dot(), number(0), vec![0, 1], number(5), b"value".to_vec()];
        let hashed = [number(3), b"key".to_vec(), number(1), dot(), number(1), sibling.concat()];
        assert_eq!(versions.digest(b"key"), xxh3_64(&hashed.concat()));
        assert_eq!(versions.digest(b"key"), 856_539_120_270_390_094);
    }

    proptest! {
        #[test]
        fn it_tells_states_and_keys_apart(a in versions(), b in versions()) {
            prop_assert_eq!(a == b, a.digest(b"key") == b.digest(b"key"));
            prop_assert!(a.is_empty() || a.digest(b"key") != a.digest(b"yek"));
        }
    }
}
