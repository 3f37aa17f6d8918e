//! The file of a row.
//!
//! The body, [sealed](super::seal) with the tag `KVSR`:
//!
//! ```text
//! ┌─────────────────────┬─────┬───────┐
//! │ key length: u64, LE │ key │ value │
//! └─────────────────────┴─────┴───────┘
//! ```
//!
//! Its name is the BLAKE3 of the key in hexadecimal; the first byte is the folder, `.row` follows.

use super::seal::{put_counted, seal, take_counted, unseal};

const TAG: [u8; 4] = *b"KVSR";

/// The bytes of a row's file.
pub(super) fn encode(key: &[u8], value: &[u8]) -> Vec<u8> {
    seal(TAG, |out| {
        put_counted(out, key);
        out.extend_from_slice(value);
    })
}

/// The key and value in a row's file, or what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let mut body = unseal(TAG, bytes)?;
    let key = take_counted(&mut body).ok_or("its key is cut off")?;
    Ok((key, body))
}

/// The folder and the name, without extension, of a key's file.
pub(super) fn name(key: &[u8]) -> (String, String) {
    let name = blake3::hash(key).to_hex();
    let (folder, file) = name.split_at(2);
    (folder.to_owned(), file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        for (key, value) in [(&b"key"[..], &b"value"[..]), (b"", b""), (b"k", &[7; 5000])] {
            assert_eq!(decode(&encode(key, value)), Ok((key, value)));
        }
    }

    /// The bytes on the disk stay what they are: see the drawings.
    #[test]
    fn the_format_is_fixed() {
        let bytes = encode(b"key", b"value");
        let (sealed, checksum) = bytes.split_at(bytes.len() - 32);
        assert_eq!(sealed, b"KVSR\x01\x03\0\0\0\0\0\0\0keyvalue");
        assert_eq!(checksum, blake3::hash(sealed).as_bytes());
    }

    #[test]
    fn every_damage_is_found() {
        let whole = encode(b"key", b"value");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged).is_err(), "byte {at}");
            assert!(decode(&whole[..at]).is_err(), "cut at {at}");
        }
        let with_more = [whole.as_slice(), b"x"].concat();
        assert!(decode(&with_more).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let newer = {
            let mut bytes = b"KVSR\x02".to_vec();
            bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
            bytes
        };
        let cases = [
            (Vec::new(), "cut off after 0 bytes"),
            (vec![0; 100], "checksum is wrong"),
            (newer, "version 2, this release knows 1"),
            (seal(*b"KVSJ", |_| {}), "something else"),
            (seal(TAG, |_| {}), "key is cut off"),
            (
                seal(TAG, |out| out.extend_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0, 1])),
                "key is cut off",
            ),
        ];
        for (bytes, expected) in cases {
            let wrong = decode(&bytes).unwrap_err();
            assert!(wrong.contains(expected), "{wrong:?} does not say {expected:?}");
        }
    }
}
