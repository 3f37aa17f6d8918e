//! Logs and manifests: which part of one is whole.
//!
//! Both are sequences of blocks of 32 KiB, of records that don't cross blocks:
//!
//! ```text
//! ┌─────────────────────────────┬─────────────┬─────────┬──────┐
//! │ CRC-32C of type and data: 4 │ length: 2   │ type: 1 │ data │
//! └─────────────────────────────┴─────────────┴─────────┴──────┘
//! ```
//!
//! Less than a header's room at the end of a block is left empty. (See LevelDB's
//! `doc/log_format.md`.)
//!
//! rusty-leveldb stops reading at the first record that it doesn't like, and takes what it has for
//! all there is. A process that was killed leaves the start of a record at the end of the file, and
//! may have left nothing else, as nobody was told that the record was written. Anything else is
//! damage: records after it would be lost.

use super::crc32c;

const BLOCK_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 7;
/// Full, first, middle, last.
const TYPES: std::ops::RangeInclusive<u8> = 1..=4;

/// What a record's place holds.
enum Found<'a> {
    /// A whole record, and what follows it.
    Whole(&'a [u8]),
    /// The start of a record that goes on after the end of the file.
    Start,
    /// Something else.
    Damage,
}

/// The number of bytes up to the end of the last whole record. Damage is an error: where it is.
pub(super) fn whole_bytes(file: &[u8]) -> Result<usize, usize> {
    for (number, block) in file.chunks(BLOCK_BYTES).enumerate() {
        let is_cut = block.len() < BLOCK_BYTES;
        let mut rest = block;
        while rest.len() >= HEADER_BYTES || (is_cut && !rest.is_empty()) {
            let at = number * BLOCK_BYTES + block.len() - rest.len();
            match record(rest, is_cut) {
                Found::Whole(after) => rest = after,
                Found::Start if !ends_with_records(rest) => return Ok(at),
                // The loss of power may leave room at the end that was never filled.
                _ if file.get(at..).is_some_and(is_zero) => return Ok(at),
                Found::Start | Found::Damage => return Err(at),
            }
        }
    }
    Ok(file.len())
}

/// Looks at the record at the start of `bytes`, which may be cut off at their end.
fn record(bytes: &[u8], may_be_cut: bool) -> Found<'_> {
    let cut = if may_be_cut { Found::Start } else { Found::Damage };
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return cut };
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let Some((data, rest)) = rest.split_at_checked(u16::from_le_bytes([l0, l1]).into()) else {
        return cut;
    };
    let is_whole = TYPES.contains(&kind)
        && crc32c::masked(&[&[kind], data]) == u32::from_le_bytes([c0, c1, c2, c3]);
    if is_whole { Found::Whole(rest) } else { Found::Damage }
}

/// Whether, after the first byte, whole records begin somewhere and go on to the end. Then the
/// record at the start is no unfinished one: its length is wrong.
fn ends_with_records(bytes: &[u8]) -> bool {
    let mut starts = (1..bytes.len()).filter_map(|start| bytes.get(start..));
    starts.any(|mut rest| {
        while let Found::Whole(after) = record(rest, true) {
            if after.is_empty() {
                return true;
            }
            rest = after;
        }
        false
    })
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_of(kind: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = crc32c::masked(&[&[kind], data]).to_le_bytes().to_vec();
        bytes.extend_from_slice(&(data.len() as u16).to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(data);
        bytes
    }

    /// A log of full records as LevelDB lays them out, and where they end.
    fn log(lengths: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let (mut file, mut ends) = (Vec::new(), Vec::new());
        for (number, length) in lengths.iter().enumerate() {
            let left = BLOCK_BYTES - file.len() % BLOCK_BYTES;
            if left < HEADER_BYTES + length {
                file.resize(file.len() + left, 0);
            }
            file.extend(record_of(1, &vec![number as u8 + 1; *length]));
            ends.push(file.len());
        }
        (file, ends)
    }

    #[test]
    fn a_whole_file_is_whole() {
        for lengths in [&[][..], &[0], &[5, 0, 9], &[BLOCK_BYTES - 7], &[BLOCK_BYTES - 10, 5]] {
            let (file, _) = log(lengths);
            assert_eq!(whole_bytes(&file), Ok(file.len()), "{lengths:?}");
        }
    }

    #[test]
    fn a_record_that_was_cut_off_is_left_out() {
        let (file, ends) = log(&[20, 30, 40]);
        for cut in 0..=file.len() {
            let whole = ends.iter().rev().find(|end| **end <= cut).copied().unwrap_or_default();
            assert_eq!(whole_bytes(&file[..cut]), Ok(whole), "cut at {cut}");
        }
        let (file, _) = log(&[BLOCK_BYTES - 10, 100]);
        assert_eq!(whole_bytes(&file[..BLOCK_BYTES + 50]), Ok(BLOCK_BYTES));
    }

    #[test]
    fn room_that_was_never_filled_is_left_out() {
        let (mut file, ends) = log(&[20, 30]);
        for more in [1, 6, 7, 100, BLOCK_BYTES, 3 * BLOCK_BYTES] {
            file.resize(ends[1] + more, 0);
            assert_eq!(whole_bytes(&file), Ok(ends[1]), "{more} more");
        }
    }

    /// Whatever is changed, no record before the last is left out in silence.
    #[test]
    fn damage_is_found() {
        let (file, ends) = log(&[20, 30, 40]);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                let start = ends.iter().rev().find(|end| **end <= at).copied().unwrap_or_default();
                let found = whole_bytes(&damaged);
                let is_last = start == ends[1];
                assert!(found == Err(start) || (is_last && found == Ok(start)), "{at}: {found:?}");
            }
        }
        let (mut file, ends) = log(&[20_000, 20_000, 20_000]);
        file[ends[0] - 1] ^= 1;
        assert_eq!(whole_bytes(&file), Err(0));
    }

    /// A value may look like a log.
    #[test]
    fn what_was_cut_off_may_hold_records() {
        let inner = [record_of(1, b"inner"), record_of(1, b"more")].concat();
        let outer = record_of(1, &[inner.clone(), vec![9; 100]].concat());
        for cut in 0..outer.len() {
            let ends_with_inner = [HEADER_BYTES + 12, HEADER_BYTES + inner.len()].contains(&cut);
            assert!(ends_with_inner || whole_bytes(&outer[..cut]) == Ok(0), "cut at {cut}");
        }
    }
}
