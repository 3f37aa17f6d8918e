//! Datagrams, sealed and opened.
//!
//! With a cluster key every datagram is encrypted and authenticated with XChaCha20-Poly1305
//! (Bernstein's ChaCha20-Poly1305, RFC 8439, with a nonce that is long enough to be drawn at random:
//! draft-irtf-cfrg-xchacha):
//!
//! ```text
//!  0      1                    25                              n-16        n
//! ┌──────┬────────────────────┬───────────────────────────────┬───────────┐
//! │ 0x01 │ nonce, 24 random   │ message, encrypted            │ tag, 16   │
//! └──────┴────────────────────┴───────────────────────────────┴───────────┘
//!    associated data: the byte 0x01, then the cluster's name
//! ```
//!
//! The key is derived from the cluster key with BLAKE3, for this use alone. Without a key the message
//! is readable, and can be forged by anybody who can send to the port:
//!
//! ```text
//!  0      1                    9                                           n
//! ┌──────┬────────────────────┬───────────────────────────────────────────┐
//! │ 0x02 │ check, 8           │ message                                   │
//! └──────┴────────────────────┴───────────────────────────────────────────┘
//! ```
//!
//! where the check is the beginning of the message's BLAKE3 hash, keyed by the cluster's name: it
//! tells clusters apart and finds damage, and protects from nothing else.
//!
//! The first byte says the version. n is at most 1400.
//!
//! Sealing does not stop an old datagram of the same cluster from being sent again. Verdicts carry the
//! identity they are about, so an old one has no effect on a later life; an old answer may make a dead
//! node seem up for a while. Nothing is decided on that alone.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kvs_core::env::Random;
use thiserror::Error;

use super::limits::DATAGRAM_MAX;

const SEALED: u8 = 1;
const PLAIN: u8 = 2;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const CHECK_BYTES: usize = 8;

const KEY_CONTEXT: &str = "kvs 2026 membership datagram key";
const NAME_CONTEXT: &str = "kvs 2026 membership cluster name";

/// The longest message that fits a datagram, sealed or plain.
pub(super) const MESSAGE_MAX: usize = DATAGRAM_MAX - 1 - NONCE_BYTES - TAG_BYTES;

/// What datagrams are sealed with; derived from the cluster key, which can't be had back from it.
#[derive(Clone)]
pub struct GossipKey([u8; 32]);

impl GossipKey {
    /// The key of those who know `cluster_key`, which is secret, of any length, and has at least 16
    /// bytes of entropy: it must not be a password that could be guessed.
    pub fn derive(cluster_key: &[u8]) -> Self {
        Self(blake3::derive_key(KEY_CONTEXT, cluster_key))
    }
}

impl fmt::Debug for GossipKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GossipKey(..)")
    }
}

/// Why a datagram was not opened. Nothing changed; the sender is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum OpenError {
    #[error("it is longer than {DATAGRAM_MAX} bytes")]
    Long,
    #[error("it is cut short")]
    Short,
    #[error("its format {0} is not known here")]
    Format(u8),
    #[error("it is not encrypted, and this node has a cluster key")]
    NotSealed,
    #[error("it is encrypted, and this node has no cluster key")]
    NoKey,
    #[error("it was sealed with another key or for another cluster, or was damaged")]
    Seal,
    #[error("it is of another cluster, or was damaged")]
    Check,
}

/// Seals and opens the datagrams of one cluster.
pub(super) struct Envelope {
    /// The first seals, any opens. None at all: datagrams are plain.
    ciphers: Vec<XChaCha20Poly1305>,
    associated: Vec<u8>,
    name_key: [u8; 32],
}

impl Envelope {
    pub(super) fn new(cluster: &str, keys: &[GossipKey]) -> Self {
        Self {
            ciphers: keys.iter().map(|key| XChaCha20Poly1305::new((&key.0).into())).collect(),
            associated: [&[SEALED], cluster.as_bytes()].concat(),
            name_key: blake3::derive_key(NAME_CONTEXT, cluster.as_bytes()),
        }
    }

    /// The datagram that carries `message`; none if it is longer than [`MESSAGE_MAX`].
    pub(super) fn seal(&self, message: &[u8], random: &dyn Random) -> Option<Vec<u8>> {
        if message.len() > MESSAGE_MAX {
            return None;
        }
        let Some(cipher) = self.ciphers.first() else {
            return Some([&[PLAIN], self.check(message).as_slice(), message].concat());
        };
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: message, aad: &self.associated };
        let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).ok()?;
        Some([&[SEALED], nonce.as_slice(), &sealed].concat())
    }

    /// The message that `datagram` carries.
    pub(super) fn open(&self, datagram: &[u8]) -> Result<Vec<u8>, OpenError> {
        if datagram.len() > DATAGRAM_MAX {
            return Err(OpenError::Long);
        }
        let (&format, body) = datagram.split_first().ok_or(OpenError::Short)?;
        match (format, self.ciphers.is_empty()) {
            (SEALED, false) => self.open_sealed(body),
            (PLAIN, true) => self.open_plain(body),
            (SEALED, true) => Err(OpenError::NoKey),
            (PLAIN, false) => Err(OpenError::NotSealed),
            (other, _) => Err(OpenError::Format(other)),
        }
    }

    fn open_sealed(&self, body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, sealed) = body.split_at_checked(NONCE_BYTES).ok_or(OpenError::Short)?;
        if sealed.len() < TAG_BYTES {
            return Err(OpenError::Short);
        }
        let nonce = XNonce::from_slice(nonce);
        let open = |cipher: &XChaCha20Poly1305| {
            cipher.decrypt(nonce, Payload { msg: sealed, aad: &self.associated }).ok()
        };
        self.ciphers.iter().find_map(open).ok_or(OpenError::Seal)
    }

    fn open_plain(&self, body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (check, message) = body.split_first_chunk().ok_or(OpenError::Short)?;
        if *check != self.check(message) {
            return Err(OpenError::Check);
        }
        Ok(message.to_vec())
    }

    fn check(&self, message: &[u8]) -> [u8; CHECK_BYTES] {
        let mut check = [0; CHECK_BYTES];
        blake3::Hasher::new_keyed(&self.name_key).update(message).finalize_xof().fill(&mut check);
        check
    }
}

#[cfg(test)]
mod tests {
    use kvs_core::env::SeededRandom;
    use proptest::prelude::*;

    use super::*;

    fn envelope(cluster: &str, keys: &[&str]) -> Envelope {
        let keys: Vec<_> = keys.iter().map(|key| GossipKey::derive(key.as_bytes())).collect();
        Envelope::new(cluster, &keys)
    }

    fn seal(envelope: &Envelope, message: &[u8]) -> Vec<u8> {
        envelope.seal(message, &SeededRandom::new(1)).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_what_was_altered_does_not(
            message in prop::collection::vec(any::<u8>(), 0..MESSAGE_MAX),
            sealed in any::<bool>(),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let envelope = envelope("cluster", if sealed { &["key"] } else { &[] });
            let mut datagram = seal(&envelope, &message);
            prop_assert!(datagram.len() <= DATAGRAM_MAX);
            prop_assert_eq!(envelope.open(&datagram).unwrap(), message);
            let at = at.index(datagram.len());
            prop_assert!(envelope.open(&datagram[..at]).is_err());
            datagram[at] ^= flip;
            prop_assert!(envelope.open(&datagram).is_err());
        }
    }

    #[test]
    fn other_keys_and_clusters_stay_out() {
        let ours = envelope("ours", &["key"]);
        let datagram = seal(&ours, b"message");
        assert_eq!(envelope("ours", &["other"]).open(&datagram), Err(OpenError::Seal));
        assert_eq!(envelope("theirs", &["key"]).open(&datagram), Err(OpenError::Seal));
        assert_eq!(envelope("ours", &[]).open(&datagram), Err(OpenError::NoKey));

        let plain = seal(&envelope("ours", &[]), b"message");
        assert_eq!(envelope("theirs", &[]).open(&plain), Err(OpenError::Check));
        assert_eq!(ours.open(&plain), Err(OpenError::NotSealed));
    }

    #[test]
    fn a_key_is_changed_without_a_gap() {
        // First everybody learns to open with the new key, then to seal with it, then drops the old.
        let steps = [&["old"] as &[_], &["old", "new"], &["new", "old"], &["new"]];
        for pair in steps.windows(2) {
            let (behind, ahead) = (envelope("c", pair[0]), envelope("c", pair[1]));
            assert_eq!(ahead.open(&seal(&behind, b"a")).unwrap(), b"a");
            assert_eq!(behind.open(&seal(&ahead, b"b")).unwrap(), b"b");
        }
    }

    #[test]
    fn sizes_are_limited() {
        let envelope = envelope("c", &["key"]);
        let random = SeededRandom::new(1);
        assert_eq!(envelope.seal(&[0; MESSAGE_MAX], &random).unwrap().len(), DATAGRAM_MAX);
        assert!(envelope.seal(&[0; MESSAGE_MAX + 1], &random).is_none());
        assert_eq!(envelope.open(&[SEALED; DATAGRAM_MAX + 1]), Err(OpenError::Long));
        assert_eq!(envelope.open(&[]), Err(OpenError::Short));
        assert_eq!(envelope.open(&[9, 9]), Err(OpenError::Format(9)));
    }

    #[test]
    fn the_format_stays() {
        // Formats on the wire are promises: these bytes were sealed by the first release.
        let sealed = seal(&envelope("cluster", &["key"]), b"hello");
        let plain = seal(&envelope("cluster", &[]), b"hello");
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            hex(&sealed),
            concat!(
                "01c15c0289ec2d0a9167ec8e65a18debbe5e5532fbeea293f8",
                "7adf8c1f6914e6f8a218f9f1f63bf094e3668f06ad"
            )
        );
        assert_eq!(hex(&plain), "02dcf43c5b9c10614968656c6c6f");
    }

    #[test]
    fn fuzz_open() {
        let (sealed, plain) = (envelope("c", &["key", "old"]), envelope("c", &[]));
        bolero::check!().with_max_len(DATAGRAM_MAX + 8).for_each(|bytes: &[u8]| {
            assert!(sealed.open(bytes).is_err(), "forged");
            if let Ok(message) = plain.open(bytes) {
                assert!(message.len() < bytes.len());
            }
        });
    }
}
