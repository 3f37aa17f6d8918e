//! Noise with the cluster key: `Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s` (Perrin, *The Noise Protocol
//! Framework*, revision 34).
//!
//! ```text
//! connecting side                                  listening side
//!    │ ── "kvsN", version (1), message: psk, e ──────▶ │  finds the key
//!    │ ◀──────────────── message: e, ee, or empty ──── │  empty: no key fits
//! ```
//! A message is its length (u16, big-endian) and so many bytes. Later messages carry the stream, each
//! up to 65,519 bytes of it and a tag. Each connection has fresh ephemeral keys: who learns the
//! cluster key later can't read what was recorded.
//!
//! The pre-shared key of Noise is derived from the cluster key by BLAKE3. For rotation a node holds
//! several keys: it connects with the first and accepts any. Give the new key to all nodes as the
//! second, then make it the first everywhere, then drop the old one.

mod stream;

use std::fmt;
use std::sync::Arc;

use kvs_core::env::net::BoxByteStream;
use snow::{Builder, HandshakeState};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::stream::NoiseStream;
use super::SecureError;

/// Most keys that are accepted at a time.
pub const KEYS_MAX: usize = 8;
/// Shortest key, in bytes.
pub const KEY_MIN: usize = 16;

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
const PREAMBLE: &[u8; 5] = b"kvsN\x01";
const KEY_CONTEXT: &str = "kvs 2026 transport: pre-shared key of Noise, 1";
/// Longest message of the handshake, in bytes: a public key and a tag, and room.
const HANDSHAKE_MESSAGE_MAX: usize = 128;

/// The keys of a cluster.
#[derive(Clone)]
pub struct ClusterKeys {
    keys: Arc<[[u8; 32]]>,
}

impl ClusterKeys {
    /// The first key is used to connect, any is accepted: 1 to [`KEYS_MAX`] keys of at least
    /// [`KEY_MIN`] bytes, which should be random.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, KeyError> {
        let keys: Vec<_> = keys.into_iter().take(KEYS_MAX + 1).collect();
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(KeyError::Count);
        }
        if let Some(short) = keys.iter().find(|key| key.as_ref().len() < KEY_MIN) {
            return Err(KeyError::Short(short.as_ref().len()));
        }
        let keys = keys.iter().map(|key| blake3::derive_key(KEY_CONTEXT, key.as_ref()));
        Ok(Self { keys: keys.collect() })
    }

    pub(super) async fn connecting(
        &self,
        mut stream: BoxByteStream,
    ) -> Result<BoxByteStream, SecureError> {
        let key = self.keys.first().ok_or(SecureError::KeyDiffers)?;
        let mut noise = handshake(key, true)?;
        stream.write_all(PREAMBLE).await.map_err(ended)?;
        send(&mut stream, &mut noise).await?;
        let answer = receive(&mut stream).await?;
        // An empty answer says that the other side has no such key.
        noise.read_message(&answer, &mut []).map_err(differs)?;
        secured(stream, noise)
    }

    pub(super) async fn listening(
        &self,
        mut stream: BoxByteStream,
    ) -> Result<BoxByteStream, SecureError> {
        let mut preamble = [0; PREAMBLE.len()];
        stream.read_exact(&mut preamble).await.map_err(ended)?;
        if preamble != *PREAMBLE {
            return Err(SecureError::NoKey);
        }
        let first = receive(&mut stream).await?;
        for key in self.keys.iter() {
            let mut noise = handshake(key, false)?;
            if noise.read_message(&first, &mut []).is_ok() {
                send(&mut stream, &mut noise).await?;
                return secured(stream, noise);
            }
        }
        // If it can't be told it is refused all the same.
        if stream.write_all(&[0, 0]).await.is_ok() {
            stream.shutdown().await.ok();
        }
        Err(SecureError::KeyDiffers)
    }
}

impl fmt::Debug for ClusterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterKeys({})", self.keys.len())
    }
}

/// A list of keys can't be used; final.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There are none, or too many.
    #[error("1 to {KEYS_MAX} cluster keys are needed")]
    Count,
    /// One is too short.
    #[error("a cluster key has {0} bytes, at least {KEY_MIN} are needed")]
    Short(usize),
}

fn handshake(key: &[u8; 32], connecting: bool) -> Result<HandshakeState, SecureError> {
    let build = || {
        let builder = Builder::new(PATTERN.parse()?).psk(0, key)?.prologue(PREAMBLE)?;
        if connecting { builder.build_initiator() } else { builder.build_responder() }
    };
    build().map_err(|error: snow::Error| SecureError::Ended(error.to_string()))
}

async fn send(stream: &mut BoxByteStream, noise: &mut HandshakeState) -> Result<(), SecureError> {
    let mut message = [0; HANDSHAKE_MESSAGE_MAX];
    let length = noise.write_message(&[], &mut message).map_err(differs)?;
    let mut bytes = Vec::with_capacity(2 + length);
    bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(message.iter().take(length));
    let sent = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    sent.await.map_err(ended)
}

async fn receive(stream: &mut BoxByteStream) -> Result<Vec<u8>, SecureError> {
    let length = usize::from(stream.read_u16().await.map_err(ended)?);
    if length > HANDSHAKE_MESSAGE_MAX {
        return Err(SecureError::KeyDiffers);
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.map_err(ended)?;
    Ok(message)
}

fn secured(stream: BoxByteStream, noise: HandshakeState) -> Result<BoxByteStream, SecureError> {
    Ok(Box::new(NoiseStream::new(stream, noise.into_transport_mode().map_err(differs)?)))
}

fn differs(_: snow::Error) -> SecureError {
    SecureError::KeyDiffers
}

fn ended(error: std::io::Error) -> SecureError {
    SecureError::Ended(error.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    const A: &[u8] = b"a key of the cluster";
    const B: &[u8] = b"another key of it, longer";
    const C: &[u8] = b"and one of somebody else";

    async fn meet(
        connecting: &[&[u8]],
        listening: &[&[u8]],
    ) -> (Result<BoxByteStream, SecureError>, Result<BoxByteStream, SecureError>) {
        let (one, other): (DuplexStream, DuplexStream) = duplex(1000);
        let connecting = ClusterKeys::new(connecting).unwrap();
        let listening = ClusterKeys::new(listening).unwrap();
        tokio::join!(connecting.connecting(Box::new(one)), listening.listening(Box::new(other)))
    }

    #[tokio::test]
    async fn streams_pass_whatever_their_size() {
        let (one, other) = meet(&[A], &[A]).await;
        let (mut one, mut other) = (one.unwrap(), other.unwrap());
        for size in [1, 2, 65_518, 65_519, 65_520, 300_000] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let send = async {
                one.write_all(&bytes).await.unwrap();
                one.flush().await.unwrap();
            };
            let receive = async {
                let mut found = vec![0; size];
                other.read_exact(&mut found).await.unwrap();
                found
            };
            assert!(tokio::join!(send, receive).1 == bytes, "{size}");
        }
        one.shutdown().await.unwrap();
        assert_eq!(other.read(&mut [0; 10]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn other_keys_are_refused_on_both_sides() {
        let (one, other) = meet(&[C], &[A, B]).await;
        assert_eq!(one.err(), Some(SecureError::KeyDiffers));
        assert_eq!(other.err(), Some(SecureError::KeyDiffers));
    }

    #[tokio::test]
    async fn keys_can_be_rotated() {
        // The steps of a rotation from A to B: at each, nodes of this and the next step can meet.
        let steps: [&[&[u8]]; 4] = [&[A], &[A, B], &[B, A], &[B]];
        for pair in steps.windows(2) {
            for (from, to) in [(pair[0], pair[1]), (pair[1], pair[0])] {
                let (one, other) = meet(from, to).await;
                assert!(one.is_ok() && other.is_ok());
            }
        }
        let (one, _) = meet(&[A], &[B]).await;
        assert!(one.is_err());
    }

    #[tokio::test]
    async fn a_peer_without_a_key_is_told_apart() {
        let (mut one, other) = duplex(1000);
        one.write_all(&[0, 0, 0, 90, 1, 0, 0]).await.unwrap();
        let keys = ClusterKeys::new([A]).unwrap();
        assert_eq!(keys.listening(Box::new(other)).await.err(), Some(SecureError::NoKey));
    }

    #[tokio::test]
    async fn the_stream_is_not_readable_and_not_changeable() {
        let (one, mut wire) = duplex(100_000);
        let (mut far_wire, other) = duplex(100_000);
        let (a, b) = (ClusterKeys::new([A]).unwrap(), ClusterKeys::new([A]).unwrap());
        // Whoever stands between lets the handshake pass: 5 + 50 bytes there, 50 back.
        let pass = async {
            let (mut there, mut back) = ([0; 55], [0; 50]);
            wire.read_exact(&mut there).await.unwrap();
            far_wire.write_all(&there).await.unwrap();
            far_wire.read_exact(&mut back).await.unwrap();
            wire.write_all(&back).await.unwrap();
        };
        let (connecting, listening) = (a.connecting(Box::new(one)), b.listening(Box::new(other)));
        let (one, other, ()) = tokio::join!(connecting, listening, pass);
        let (mut one, mut other) = (one.unwrap(), other.unwrap());
        let secret = b"forty-two is the answer to the question";
        one.write_all(secret).await.unwrap();
        one.flush().await.unwrap();
        let mut seen = vec![0; 2 + secret.len() + 16];
        wire.read_exact(&mut seen).await.unwrap();
        assert!(!seen.windows(9).any(|window| window == b"forty-two"));
        seen[10] ^= 1;
        far_wire.write_all(&seen).await.unwrap();
        assert!(other.read(&mut [0; 100]).await.is_err());
    }

    #[test]
    fn lists_of_keys_are_checked() {
        assert_eq!(ClusterKeys::new::<&[u8]>([]).err(), Some(KeyError::Count));
        assert_eq!(ClusterKeys::new([A; KEYS_MAX + 1]).err(), Some(KeyError::Count));
        assert_eq!(ClusterKeys::new([A, b"short"]).err(), Some(KeyError::Short(5)));
        let shown = format!("{:?}", ClusterKeys::new([A, B]).unwrap());
        assert_eq!(shown, "ClusterKeys(2)");
    }
}
