//! What a write changes, and how it is remembered until it is done.
//!
//! The journal's body, [sealed](super::seal) with the tag `KVSJ`, is a sequence of
//!
//! ```text
//! ┌──────────────────────────┬─────────────────────┬─────┐
//! │ 0x00 remove │ 0x01 put   │ key length: u64, LE │ key │
//! └──────────────────────────┴─────────────────────┴─────┘
//! ```

use std::collections::BTreeMap;

use super::seal::{put_counted, seal, take_counted, unseal};
use crate::engine::WriteSet;

const TAG: [u8; 4] = *b"KVSJ";
const REMOVE: u8 = 0;
const PUT: u8 = 1;

/// The last write of each key: its value, or `None` for a removal.
pub(super) type Changes<'a> = BTreeMap<&'a [u8], Option<&'a [u8]>>;

/// What `writes` come to in the end.
pub(super) fn last_of_each(writes: &WriteSet) -> Changes<'_> {
    writes.iter().collect()
}

/// For each key whether it is set (`true`) or removed (`false`).
pub(super) fn kinds<'a>(changes: &Changes<'a>) -> impl Iterator<Item = (&'a [u8], bool)> + Clone {
    changes.iter().map(|(key, value)| (*key, value.is_some()))
}

/// A journal: which keys a write sets (`true`) and which it removes (`false`).
pub(super) fn encode<'a>(keys: impl Iterator<Item = (&'a [u8], bool)>) -> Vec<u8> {
    seal(TAG, |out| {
        for (key, is_put) in keys {
            out.push(if is_put { PUT } else { REMOVE });
            put_counted(out, key);
        }
    })
}

/// Reads a journal back, or says what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<(&[u8], bool)>, String> {
    let mut body = unseal(TAG, bytes)?;
    let mut keys = Vec::new();
    while let [kind, rest @ ..] = body {
        let is_put = match *kind {
            PUT => true,
            REMOVE => false,
            kind => return Err(format!("it holds an unknown change {kind:#04x}")),
        };
        body = rest;
        keys.push((take_counted(&mut body).ok_or("its last key is cut off")?, is_put));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_of_a_key_counts() {
        let mut writes = WriteSet::default();
        writes.stored(b"a", Some(b"1"));
        writes.stored(b"b", None);
        writes.stored(b"a", None);
        writes.stored(b"b", Some(b"2"));
        let changes: Vec<_> = last_of_each(&writes).into_iter().collect();
        assert_eq!(changes, [(&b"a"[..], None), (b"b", Some(&b"2"[..]))]);
    }

    #[test]
    fn journals_read_back() {
        let keys = [(&b"a"[..], true), (b"", false), (b"\0\xFF", true)];
        let bytes = encode(keys.into_iter());
        assert!(bytes.starts_with(b"KVSJ\x01\x01\x01\0\0\0\0\0\0\0a\0\0"));
        assert_eq!(decode(&bytes).unwrap(), keys);
        assert_eq!(decode(&encode([].into_iter())).unwrap(), []);
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(decode(&seal(TAG, |out| out.push(7))).unwrap_err().contains("0x07"));
        assert!(decode(&seal(TAG, |out| out.push(PUT))).unwrap_err().contains("cut off"));
    }
}
