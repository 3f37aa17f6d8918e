//! Bytes that tell what they are and whether they are whole.
//!
//! ```text
//! ┌────────┬──────────────┬──────┬───────────────────────────────────┐
//! │ tag: 4 │ version 0x01 │ body │ BLAKE3 of everything before it: 32 │
//! └────────┴──────────────┴──────┴───────────────────────────────────┘
//! ```

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = blake3::OUT_LEN;

/// Seals the body that `write_body` appends.
pub(super) fn seal(tag: [u8; 4], write_body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = tag.to_vec();
    bytes.push(VERSION);
    write_body(&mut bytes);
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// The body of sealed bytes, or what is wrong with them.
pub(super) fn unseal(tag: [u8; 4], bytes: &[u8]) -> Result<&[u8], String> {
    let (sealed, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or_else(|| format!("it is cut off after {} bytes", bytes.len()))?;
    if blake3::hash(sealed) != *checksum {
        return Err("its checksum is wrong".to_owned());
    }
    match sealed.split_first_chunk::<4>() {
        Some((found, [VERSION, body @ ..])) if *found == tag => Ok(body),
        Some((found, [version, ..])) if *found == tag => {
            Err(format!("it has version {version}, this release knows {VERSION}"))
        }
        _ => Err("it holds something else".to_owned()),
    }
}

/// Takes bytes off the front that were put there with their length.
pub(super) fn take_counted<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (counted, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(counted)
}

/// Appends `counted` after its length in eight bytes, little-endian.
pub(super) fn put_counted(out: &mut Vec<u8>, counted: &[u8]) {
    out.extend_from_slice(&(counted.len() as u64).to_le_bytes());
    out.extend_from_slice(counted);
}
