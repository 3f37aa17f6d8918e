//! What an entry carries: the writes of one command.

use std::collections::BTreeMap;
use std::sync::Arc;

use kvs_core::limits;
use kvs_core::{Batch, DbaError, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::Payload;

const WHAT: &str = "writes of an entry";
const VERSION: u8 = 1;
/// What an entry takes beside them, roughly.
const OVERHEAD: usize = 128;

/// Most bytes of one command's writes, with what is kept of its result: less than a frame has room for.
pub const WRITES_BYTES_MAX: usize = 24 << 20;

/// The writes of one command, encoded once for disk and all peers. Cheap to clone.
///
/// ```text
/// ┌────┬─────────────────────────────────────────────────────────────┐
/// │ 01 │ postcard: entity's name, rows (clustering, optional value)… │
/// └────┴─────────────────────────────────────────────────────────────┘
/// ```
///
/// Ids and results of commands are rows of the entity like all others, so they need no place of their
/// own: whoever applies the writes knows which commands were applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes(Arc<[u8]>);

/// The rows that a command wrote, by clustering key; `None` where it removed one.
pub(super) type Written = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Version 1.
#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    #[serde(with = "bytes", borrow)]
    entity: &'a [u8],
    #[serde(borrow)]
    rows: Vec<Row<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Row<'a>(#[serde(with = "bytes", borrow)] &'a [u8], #[serde(borrow)] Option<Value<'a>>);

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Value<'a>(#[serde(with = "bytes", borrow)] &'a [u8]);

mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'de [u8], D::Error> {
        <&[u8]>::deserialize(from)
    }
}

impl Writes {
    /// The writes of a command on `entity`.
    pub fn new(entity: &[u8], writes: &Batch) -> Result<Self> {
        let rows = writes.ops().iter().map(|op| Row(op.clustering(), op.value().map(Value)));
        let writes = Fields { entity, rows: rows.collect() };
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        let bytes = postcard::to_extend(&writes, bytes);
        let bytes = bytes.map_err(|error| DbaError::encode(WHAT, error))?;
        limits::at_most("bytes of a command's writes", bytes.len(), WRITES_BYTES_MAX)?;
        Ok(Self(bytes.into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Writes from bytes of any kind, read exactly.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        read(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// The entity's name.
    pub fn entity(&self) -> Result<&[u8]> {
        Ok(read(&self.0)?.entity)
    }

    /// Whether they are of this entity, without reading the rest.
    pub(super) fn are_of(&self, entity: &[u8]) -> bool {
        let name = self.0.get(1..).map(postcard::take_from_bytes::<&[u8]>);
        matches!(name, Some(Ok((name, _))) if name == entity)
    }

    /// Calls `each` with every row, in order: clustering key and value, `None` if it is removed.
    pub fn for_each(&self, mut each: impl FnMut(&[u8], Option<&[u8]>)) -> Result<()> {
        for Row(clustering, value) in read(&self.0)?.rows {
            each(clustering, value.map(|value| value.0));
        }
        Ok(())
    }
}

impl Payload for Writes {
    fn size(&self) -> usize {
        self.0.len() + OVERHEAD
    }
}

impl Serialize for Writes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Writes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        Self::from_bytes(bytes).map_err(D::Error::custom)
    }
}

fn read(bytes: &[u8]) -> Result<Fields<'_>> {
    let body = match bytes {
        [VERSION, body @ ..] => body,
        [version, ..] => {
            let problem = format!("unknown version {version}, this release knows {VERSION}");
            return Err(DbaError::decode(WHAT, problem));
        }
        [] => return Err(DbaError::decode(WHAT, "it is empty")),
    };
    let (writes, rest): (Fields<'_>, _) =
        postcard::take_from_bytes(body).map_err(|error| DbaError::decode(WHAT, error))?;
    if !rest.is_empty() {
        return Err(DbaError::decode(WHAT, format!("{} bytes are left over", rest.len())));
    }
    limits::check_partition(writes.entity)?;
    for Row(clustering, value) in &writes.rows {
        limits::check_clustering(clustering)?;
        limits::check_value(value.as_ref().map_or(&[], |value| value.0))?;
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_held_still_and_read_exactly() {
        let batch = Batch::new().put("a", "1").delete("b");
        let written = Writes::new(b"e", &batch).unwrap();
        let expected = [1, 1, b'e', 2, 1, b'a', 1, 1, b'1', 1, b'b', 0];
        assert_eq!(written.as_bytes(), expected);
        assert_eq!(Writes::from_bytes(&expected).unwrap(), written);
        assert_eq!(written.entity().unwrap(), b"e");
        assert!(written.are_of(b"e") && !written.are_of(b"f"));
        let mut rows = Vec::new();
        let each = |key: &[u8], value: Option<&[u8]>| rows.push((key.to_vec(), value.is_some()));
        written.for_each(each).unwrap();
        assert_eq!(rows, [(b"a".to_vec(), true), (b"b".to_vec(), false)]);

        for cut in 0..expected.len() {
            assert!(Writes::from_bytes(&expected[..cut]).is_err(), "{cut}");
        }
        assert!(Writes::from_bytes(&[&expected[..], &[0]].concat()).is_err());
        assert!(Writes::from_bytes(&[2, 1, b'e', 0]).is_err());
        assert!(Writes::from_bytes(&[1, 0, 0]).is_err(), "an entity has a name");
    }
}
