//! The bytes of a key's versions, on disk and between nodes.
//!
//! ```text
//! ┌──────────┬──────────────┬───────────────┬────────┐
//! │ tag 0x56 │ version 0x01 │ nodes: varint │ node … │
//! └──────────┴──────────────┴───────────────┴────────┘
//! node:    id: 16 bytes │ counter: varint │ siblings: varint │ sibling …
//! sibling: behind: varint │ timestamp: u64 │ flags │ expiry: u64, if flag 0x01 │
//!          length: varint │ value; both unless flag 0x02
//! ```
//!
//! Nodes come in the order of their ids, and each brings its siblings, the oldest first: their dots
//! have the counters `counter − behind`. So the context covers every sibling by construction, and the
//! usual single sibling costs one byte for its dot. Flag 0x02 is a tombstone. Fixed numbers are
//! big-endian, varints LEB128 in the shortest form; each state has exactly one encoding. Unknown tags,
//! versions and flags, and bytes left over, are errors.

use kvs_core::Result;
use kvs_core::limits::VALUE_BYTES_MAX;

use super::bytes::{Reader, put_varint, varint_len};
use super::dot::Dot;
use super::sibling::Sibling;
use super::timestamp::Timestamp;
use super::vector::{NODES_MAX, VersionVector, read_newest};
use super::versions::Versions;

const TAG: u8 = 0x56;
const VERSION: u8 = 1;
const FLAG_EXPIRY: u8 = 0x01;
const FLAG_TOMBSTONE: u8 = 0x02;

/// Most siblings that are read from bytes. Far more than joins bring together; see
/// [`SIBLINGS_MAX`](super::SIBLINGS_MAX).
pub const SIBLINGS_READ_MAX: usize = 16_384;

/// Bytes that a node takes at least: id, counter, number of siblings.
const NODE_BYTES_MIN: usize = 16 + 1 + 1;
/// Bytes that a sibling takes at least: a tombstone.
const SIBLING_BYTES_MIN: usize = 1 + 8 + 1;

impl Versions {
    /// How many bytes [`encode_into`](Self::encode_into) appends. Doesn't look at the values.
    pub fn encoded_len(&self) -> usize {
        let nodes: usize = self
            .by_node()
            .map(|(newest, siblings)| {
                let siblings_len: usize =
                    siblings.iter().map(|sibling| sibling_len(newest, sibling)).sum();
                let count_len = varint_len(siblings.len() as u64);
                16 + varint_len(newest.counter) + count_len + siblings_len
            })
            .sum();
        2 + varint_len(self.context().len() as u64) + nodes
    }

    /// Appends the versions' bytes. Reserves once.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(self.encoded_len());
        out.extend_from_slice(&[TAG, VERSION]);
        put_varint(self.context().len() as u64, out);
        for (newest, siblings) in self.by_node() {
            out.extend_from_slice(newest.node.as_bytes());
            put_varint(newest.counter, out);
            put_varint(siblings.len() as u64, out);
            for sibling in siblings {
                put_sibling(newest, sibling, out);
            }
        }
    }

    /// The versions' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Reads versions from bytes that may be anything. Copies each value once, and holds no more
    /// memory than a small multiple of the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open("versions of a key", bytes, TAG, VERSION)?;
        let mut context = VersionVector::default();
        let mut siblings = Vec::new();
        for _ in 0..reader.count("nodes", NODES_MAX, NODE_BYTES_MIN)? {
            let newest = read_newest(&mut reader, &context)?;
            context.add(newest);
            let most = SIBLINGS_READ_MAX - siblings.len();
            let count = reader.count("more siblings", most, SIBLING_BYTES_MIN)?;
            siblings.reserve(count);
            let mut before = 0;
            for _ in 0..count {
                let sibling = read_sibling(newest, &mut reader)?;
                if sibling.dot.counter <= before {
                    return Err(reader.wrong("its siblings are not in order"));
                }
                before = sibling.dot.counter;
                siblings.push(sibling);
            }
        }
        reader.end()?;
        Ok(Self::from_parts(context, siblings))
    }

    /// The newest dot of each node, with the siblings that it minted.
    fn by_node(&self) -> impl Iterator<Item = (Dot, &[Sibling])> {
        let mut rest = self.siblings();
        self.context().iter().map(move |newest| {
            let count = rest.iter().take_while(|sibling| sibling.dot.node == newest.node).count();
            let (minted, others) = rest.split_at(count);
            rest = others;
            (newest, minted)
        })
    }
}

fn sibling_len(newest: Dot, sibling: &Sibling) -> usize {
    let expiry_len = if sibling.expires_at_ms.is_some() { 8 } else { 0 };
    let value_len =
        sibling.value.as_ref().map_or(0, |value| varint_len(value.len() as u64) + value.len());
    varint_len(behind(newest, sibling)) + 8 + 1 + expiry_len + value_len
}

/// How many writes of its node came after it. The context covers siblings, so this is exact.
fn behind(newest: Dot, sibling: &Sibling) -> u64 {
    newest.counter.saturating_sub(sibling.dot.counter)
}

fn put_sibling(newest: Dot, sibling: &Sibling, out: &mut Vec<u8>) {
    put_varint(behind(newest, sibling), out);
    out.extend_from_slice(&sibling.timestamp.to_bits().to_be_bytes());
    let expiry = if sibling.expires_at_ms.is_some() { FLAG_EXPIRY } else { 0 };
    let tombstone = if sibling.is_tombstone() { FLAG_TOMBSTONE } else { 0 };
    out.push(expiry | tombstone);
    if let Some(at) = sibling.expires_at_ms {
        out.extend_from_slice(&at.to_be_bytes());
    }
    if let Some(value) = &sibling.value {
        put_varint(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

fn read_sibling(newest: Dot, reader: &mut Reader<'_>) -> Result<Sibling> {
    let counter = newest.counter.checked_sub(reader.varint()?).filter(|counter| *counter > 0);
    let Some(counter) = counter else {
        return Err(reader.wrong("a sibling is older than the first write"));
    };
    let timestamp = Timestamp::from_bits(reader.fixed()?);
    let flags = reader.byte()?;
    if flags & !(FLAG_EXPIRY | FLAG_TOMBSTONE) != 0 {
        return Err(reader.wrong(format!("unknown flags {flags:#04x}")));
    }
    let expires_at_ms = match flags & FLAG_EXPIRY {
        0 => None,
        _ => Some(reader.fixed()?),
    };
    let value = match flags & FLAG_TOMBSTONE {
        0 => {
            let length = reader.count("bytes in a value", VALUE_BYTES_MAX, 1)?;
            Some(reader.take(length)?.to_vec())
        }
        _ => None,
    };
    Ok(Sibling { dot: Dot { counter, ..newest }, timestamp, expires_at_ms, value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{dot, value, versions};
    use super::*;

    /// A state with every kind of sibling, and its bytes.
    fn fixture() -> (Versions, Vec<u8>) {
        let context = [dot(1, 300), dot(2, 1), dot(3, 9)].into_iter().collect();
        let stamp = Timestamp::from_bits(0x0102_0304_0506_0708);
        let siblings = vec![
            Sibling { expires_at_ms: Some(5), ..Sibling::new(dot(1, 100), stamp, "ab") },
            value(dot(1, 300), ""),
            Sibling::tombstone(dot(3, 9), stamp),
        ];
        let id = |name: u8| [name; 16];
        let bytes = [
            &[0x56, 0x01, 3][..],
            &id(1),
            &[0xAC, 0x02, 2],
            &[0xC8, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0x01, 0, 0, 0, 0, 0, 0, 0, 5, 2, b'a', b'b'],
            &[0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0],
            &id(2),
            &[1, 0],
            &id(3),
            &[9, 1],
            &[0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x02],
        ]
        .concat();
        (Versions::from_parts(context, siblings), bytes)
    }

    #[test]
    fn the_format_is_held_still() {
        let (versions, bytes) = fixture();
        assert_eq!(versions.encode(), bytes);
        assert_eq!(Versions::decode(&bytes).unwrap(), versions);
        assert_eq!(Versions::default().encode(), [0x56, 0x01, 0]);
    }

    #[test]
    fn the_usual_key_costs_little() {
        let mut versions = Versions::default();
        versions.write(value(dot(1, 100_000), "value"), None).unwrap();
        assert_eq!(versions.encoded_len(), 34 + "value".len());
    }

    /// Anything that decodes is what was encoded.
    fn check_exact(bytes: &[u8]) {
        if let Ok(versions) = Versions::decode(bytes) {
            assert_eq!(versions.encode(), bytes);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(versions in versions()) {
            let bytes = versions.encode();
            prop_assert_eq!(bytes.len(), versions.encoded_len());
            prop_assert_eq!(Versions::decode(&bytes).unwrap(), versions);
        }

        #[test]
        fn a_part_is_never_a_whole(versions in versions(), cut: prop::sample::Index, more: u8) {
            let mut bytes = versions.encode();
            prop_assert!(Versions::decode(&bytes[..cut.index(bytes.len())]).is_err());
            bytes.push(more);
            prop_assert!(Versions::decode(&bytes).is_err());
        }

        #[test]
        fn changed_bytes_are_read_exactly_or_refused(
            versions in versions(),
            at: prop::sample::Index,
            change in 0..3_u8,
            byte: u8,
        ) {
            let mut bytes = versions.encode();
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
            check_exact(&bytes);
        }

        #[test]
        fn random_bytes_are_read_exactly_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            check_exact(&bytes);
            bytes.splice(0..0, [TAG, VERSION]);
            check_exact(&bytes);
        }
    }

    #[test]
    fn fuzz_versions() {
        bolero::check!().with_iterations(1000).for_each(|bytes: &[u8]| {
            check_exact(bytes);
            check_exact(&[&[TAG, VERSION, 1], bytes].concat());
        });
    }

    #[test]
    fn wrong_bytes_are_refused_and_named() {
        let (_, good) = fixture();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        let node = |body: &[u8]| [&[TAG, VERSION, 1], &[7; 16][..], body].concat();
        let huge = [0x81, 0x80, 0x80, 0x08];
        let cases = [
            (vec![], "0 bytes"),
            (vec![TAG], "1 bytes"),
            (with(0, 0x57), "unknown tag 0x57"),
            (with(1, 2), "format version 2"),
            (with(2, 4), "cut off"),
            (with(2, 2), "left over"),
            (with(3, 9), "nodes are not in order"),
            (vec![TAG, VERSION, 0x81, 0x20], "4097 nodes, the limit is 4096"),
            (vec![TAG, VERSION, 0x80, 0x20], "cut off"),
            (node(&[0, 0]), "counter is 0"),
            (node(&[1, 0x81, 0x80, 0x01]), "16385 more siblings"),
            (node(&[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2]), "older than the first"),
            (node(&[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]), "unknown flags 0x04"),
            (node(&[2, 2, 0, 0]), "cut off"),
            (
                node(&[&[2, 2][..], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 2].repeat(2)].concat()),
                "siblings are not in order",
            ),
            (
                node(&[&[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &huge].concat()),
                "16777217 bytes in a value",
            ),
        ];
        for (bytes, expected) in cases {
            let error = Versions::decode(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
    }
}
