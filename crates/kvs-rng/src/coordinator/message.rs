//! What a coordinator and the replicas say to each other.
//!
//! Each message is one byte of version, then postcard. It is read exactly: another version, or bytes
//! left over, are errors. A request carries the version of its sender's layout; a replica that has
//! another one says so and does nothing.

use std::fmt;

use kvs_core::{Key, Order, Range};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::replica::{Item, Write};
use crate::version::{VersionVector, Versions};

/// Mint a write and bring it to the other replicas.
pub const WRITE: u16 = 0x0201;
/// Join what another replica holds.
pub const STORE: u16 = 0x0202;
/// All that is held of a key.
pub const READ: u16 = 0x0203;
/// Rows of a partition.
pub const SCAN: u16 = 0x0204;
/// Keys of a bucket.
pub const PAGE: u16 = 0x0205;
/// The digests of a bucket.
pub const DIGESTS: u16 = 0x0206;
/// Is anybody there?
pub const PROBE: u16 = 0x0207;

/// A message with several keys stays under this many bytes.
pub const MESSAGE_BYTES: usize = 16 << 20;
/// Longest reason that is taken over from another node, in characters.
const REASON_CHARS_MAX: usize = 500;
/// Most nodes that an answer names.
const NAMES_MAX: usize = 16;

const VERSION: u8 = 1;
/// Room that a message is given at first.
const USUAL_BYTES: usize = 256;

/// Bytes are no message. Nothing was done; final.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("not a message of the ring: {detail}")]
pub struct MessageError {
    /// What is wrong with them.
    pub detail: String,
}

impl MessageError {
    pub(super) fn new(detail: impl fmt::Display) -> Self {
        Self { detail: detail.to_string() }
    }
}

/// The bytes of a message.
pub(super) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, MessageError> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    bytes.push(VERSION);
    postcard::to_extend(message, bytes).map_err(MessageError::new)
}

/// Reads a message, exactly.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MessageError> {
    match bytes {
        [VERSION, body @ ..] => match postcard::take_from_bytes(body) {
            Ok((message, [])) => Ok(message),
            Ok((_, rest)) => Err(MessageError::new(format!("{} bytes are left over", rest.len()))),
            Err(error) => Err(MessageError::new(error)),
        },
        [version, ..] => Err(MessageError::new(format!(
            "it has version {version}, this release knows {VERSION}"
        ))),
        [] => Err(MessageError::new("it is empty")),
    }
}

/// Bytes that are written and read in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Copied;
        impl Visitor<'_> for Copied {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Copied)
    }
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyMessage {
    partition: Bytes,
    clustering: Bytes,
}

impl From<&Key> for KeyMessage {
    fn from(key: &Key) -> Self {
        Self {
            partition: Bytes(key.partition().to_vec()),
            clustering: Bytes(key.clustering().to_vec()),
        }
    }
}

impl KeyMessage {
    /// The key, within its limits.
    pub(super) fn read(self) -> Result<Key, MessageError> {
        let key = Key::new(self.partition.0, self.clustering.0);
        key.check().map_err(MessageError::new)?;
        Ok(key)
    }
}

/// A key with all that is held of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ItemMessage {
    key: KeyMessage,
    versions: Bytes,
}

impl From<&Item> for ItemMessage {
    fn from(item: &Item) -> Self {
        Self { key: (&item.key).into(), versions: Bytes(item.versions.encode()) }
    }
}

impl ItemMessage {
    pub(super) fn read(self) -> Result<Item, MessageError> {
        let versions = Versions::decode(&self.versions.0).map_err(MessageError::new)?;
        Ok(Item { key: self.key.read()?, versions })
    }
}

/// Reads items, all or none.
pub(super) fn read_items(items: Vec<ItemMessage>) -> Result<Vec<Item>, MessageError> {
    items.into_iter().map(ItemMessage::read).collect()
}

/// One write of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowMessage {
    clustering: Bytes,
    value: Option<Bytes>,
    expires_at_ms: Option<u64>,
    seen: Option<VersionVector>,
}

impl From<&Write> for RowMessage {
    fn from(write: &Write) -> Self {
        Self {
            clustering: Bytes(write.clustering.clone()),
            value: write.value.clone().map(Bytes),
            expires_at_ms: write.expires_at_ms,
            seen: write.seen.clone(),
        }
    }
}

impl From<RowMessage> for Write {
    fn from(row: RowMessage) -> Self {
        Self {
            clustering: row.clustering.0,
            value: row.value.map(|value| value.0),
            expires_at_ms: row.expires_at_ms,
            seen: row.seen,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WriteRequest {
    pub(super) layout: u64,
    pub(super) partition: Bytes,
    pub(super) rows: Vec<RowMessage>,
    pub(super) deadline_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoreRequest {
    pub(super) layout: u64,
    pub(super) bucket: u32,
    pub(super) items: Vec<ItemMessage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadRequest {
    pub(super) layout: u64,
    pub(super) key: KeyMessage,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScanRequest {
    pub(super) layout: u64,
    pub(super) partition: Bytes,
    pub(super) range: Range,
    pub(super) descending: bool,
    pub(super) rows: u32,
    pub(super) bytes: u32,
}

impl ScanRequest {
    pub(super) fn order(&self) -> Order {
        if self.descending { Order::Descending } else { Order::Ascending }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageRequest {
    pub(super) layout: u64,
    pub(super) bucket: u32,
    pub(super) after: Option<KeyMessage>,
    pub(super) rows: u32,
    pub(super) bytes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BucketRequest {
    pub(super) layout: u64,
    pub(super) bucket: u32,
}

/// Items, and whether there are more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ItemsAnswer {
    pub(super) items: Vec<ItemMessage>,
    pub(super) more: bool,
}

/// What was held, beyond what came, of the keys that were to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    pub(super) more: Vec<ItemMessage>,
}

/// What a replica holds, and whether that is all that it ever acknowledged: a replica that recovers
/// says what it has, and that it may be too little.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held<T> {
    pub(super) held: T,
    pub(super) is_whole: bool,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer<T> {
    /// It was done.
    Done(T),
    /// The layouts differ; nothing was done.
    Layout {
        /// The version here; 0 if there is none.
        mine: u64,
    },
    /// It was not done, or it is unknown whether it was.
    Refused(Refusal),
    /// Too few replicas have the write.
    Short(Short),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// Whether anything may have changed.
    pub(super) is_unknown: bool,
    /// Whether the same request may succeed later.
    pub(super) is_retryable: bool,
    /// Whether another replica may do it.
    pub(super) elsewhere: bool,
    pub(super) reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Short {
    pub(super) needed: u32,
    pub(super) answered: Vec<String>,
    pub(super) failed: Vec<String>,
    pub(super) is_unknown: bool,
}

/// A text of another node, not longer than it need be.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

/// Texts of another node, not more and not longer than they need be.
pub(super) fn shortened_all(texts: &[String]) -> Vec<String> {
    texts.iter().take(NAMES_MAX).map(|text| shortened(text)).collect()
}
