//! The rows of one part, as bytes.

use kvs_core::StoredRow;
use kvs_core::format::{envelope::Envelope, stored_key};

/// A part is closed once it holds this many bytes.
pub(super) const BYTES: usize = 4 << 20;
/// The most a part can hold: one byte short of being closed, and then the largest row.
pub(super) const BYTES_MAX: u64 = (BYTES + (17 << 20)) as u64;

/// Appends a row.
pub(super) fn push(part: &mut Vec<u8>, row: &StoredRow) -> Result<(), String> {
    for bytes in [&row.key, &row.value] {
        let length = u32::try_from(bytes.len()).map_err(|_too_long| "a row is over 4 GiB")?;
        part.extend_from_slice(&length.to_be_bytes());
    }
    part.extend_from_slice(&row.key);
    part.extend_from_slice(&row.value);
    Ok(())
}

/// Reads all rows back, and checks that each is one the store can take.
pub(super) fn rows(mut part: &[u8]) -> Result<Vec<StoredRow>, String> {
    let mut rows = Vec::new();
    while !part.is_empty() {
        let (key, value);
        (key, part) = take_length(part)?;
        (value, part) = take_length(part)?;
        let row;
        (row, part) = part.split_at_checked(key + value).ok_or("a row is cut off")?;
        let (key, value) = row.split_at_checked(key).ok_or("a row is cut off")?;
        stored_key::decode(key).map_err(|error| error.to_string())?;
        Envelope::decode(value).map_err(|error| error.to_string())?;
        rows.push(StoredRow { key: key.to_vec(), value: value.to_vec() });
    }
    Ok(rows)
}

fn take_length(part: &[u8]) -> Result<(usize, &[u8]), String> {
    let (length, rest) = part.split_first_chunk().ok_or("a row is cut off")?;
    Ok((u32::from_be_bytes(*length) as usize, rest))
}
