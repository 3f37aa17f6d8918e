//! CRC-32C (Castagnoli), as LevelDB masks and stores it.

/// The polynomial 0x1EDC6F41, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "runs when compiling")]
        {
            table[byte] = crc;
        }
        byte += 1;
    }
    table
}

/// The checksum of some parts, one after another, as LevelDB stores it: rotated and moved, so that
/// the checksum of bytes that hold checksums stays a good one.
pub(super) fn masked(parts: &[&[u8]]) -> u32 {
    const DELTA: u32 = 0xA282_EAD8;
    let bytes = parts.iter().copied().flatten();
    let crc = bytes.fold(u32::MAX, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        TABLE.get(usize::from(low)).copied().unwrap_or_default() ^ (crc >> 8)
    });
    (!crc).rotate_right(15).wrapping_add(DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_castagnolis() {
        let unmask = |masked: u32| masked.wrapping_sub(0xA282_EAD8).rotate_left(15);
        // Check values of RFC 3720, appendix B.4, and of the catalogue of CRCs.
        assert_eq!(unmask(masked(&[&[0; 32]])), 0x8A91_36AA);
        assert_eq!(unmask(masked(&[&[0xFF; 32]])), 0x62A8_AB43);
        assert_eq!(unmask(masked(&[b"12345", b"6789"])), 0xE306_9283);
    }
}
