//! Stored keys and envelopes.

use kvs_core::format::envelope::Envelope;
use kvs_core::format::stored_key;
use kvs_core::{Key, RowKind};

use crate::fixture::Fixtures;

#[test]
fn stored_keys() {
    let key = |kind, partition: &[u8], clustering: &[u8]| (kind, Key::new(partition, clustering));
    let values = [
        ("plain", key(RowKind::Plain, b"user/42", b"")),
        ("clustered", key(RowKind::Plain, b"user/42", b"email")),
        ("entity", key(RowKind::Entity, b"feed", b"\x10\x00\x00\x01")),
        ("chunk", key(RowKind::Chunk, b"file", b"\x00")),
        ("zeros", key(RowKind::Plain, b"\x00a\x00\x00b\x00", b"\x00\x01\xFF\x00")),
        ("highest", key(RowKind::Plain, b"\xFF\xFF", b"\xFF")),
    ];
    Fixtures::of("stored_key/v1").check(
        values,
        |(kind, key)| stored_key::encode(*kind, key.partition(), key.clustering()),
        stored_key::decode,
    );
}

#[test]
fn envelopes() {
    let values: [_; 3] = [
        ("value", (None, b"value".to_vec())),
        ("empty", (None, vec![])),
        ("expiring", (Some(1_767_225_600_000), b"value".to_vec())),
    ];
    Fixtures::of("envelope/v1").check(
        values,
        |(expires_at_ms, payload)| Envelope { expires_at_ms: *expires_at_ms, payload }.encode(),
        |bytes| {
            let envelope = Envelope::decode(bytes)?;
            Ok((envelope.expires_at_ms, envelope.payload.to_vec()))
        },
    );
}

/// Any bytes are an envelope or an error, and what is read is written as it was.
#[test]
fn any_bytes_are_an_envelope_or_an_error() {
    bolero::check!().for_each(|bytes: &[u8]| {
        if let Ok(envelope) = Envelope::decode(bytes) {
            assert_eq!(envelope.encode(), bytes);
        }
    });
}

/// Any bytes are a stored key or an error, and what is read is written as it was.
#[test]
fn any_bytes_are_a_stored_key_or_an_error() {
    bolero::check!().for_each(|bytes: &[u8]| {
        if let Ok((kind, key)) = stored_key::decode(bytes) {
            assert_eq!(stored_key::encode(kind, key.partition(), key.clustering()), bytes);
        }
    });
}
