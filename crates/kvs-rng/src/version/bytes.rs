//! Reading and writing the formats of this module.
//!
//! Numbers are fixed and big-endian, or LEB128 in its shortest form, so that a thing has exactly one
//! encoding.

use kvs_core::{DbaError, Result};

/// Appends `number` in LEB128.
pub(super) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes `number` takes in LEB128.
pub(super) fn varint_len(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Reads from bytes that may be anything.
pub(super) struct Reader<'a> {
    /// What is being read, for errors.
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `what` from `bytes`, which begin with `tag` and `version`.
    pub(super) fn open(what: &'static str, bytes: &'a [u8], tag: u8, version: u8) -> Result<Self> {
        let problem = match bytes {
            [first, second, rest @ ..] if (*first, *second) == (tag, version) => {
                return Ok(Self { what, rest });
            }
            [first, second, ..] if *first == tag => {
                format!("it has format version {second}, this release knows {version}")
            }
            [first, ..] if *first != tag => {
                format!("unknown tag {first:#04x}, this release knows {tag:#04x}")
            }
            _ => format!("it has only {} bytes", bytes.len()),
        };
        Err(DbaError::decode(what, problem))
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.cut_off());
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else {
            return Err(self.cut_off());
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// The next eight bytes as a number.
    pub(super) fn fixed(&mut self) -> Result<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next number in LEB128.
    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            // The tenth byte has room for one bit.
            if (bits << shift) >> shift != bits {
                return Err(self.wrong("a number has more than 64 bits"));
            }
            number |= bits << shift;
            if byte < 0x80 {
                // A zero at the end says nothing: the number has a shorter form.
                return if byte == 0 && shift > 0 {
                    Err(self.wrong("a number is not in its shortest form"))
                } else {
                    Ok(number)
                };
            }
        }
        Err(self.wrong("a number has more than 64 bits"))
    }

    /// The next number, as a count of `things` of which there are `most` and each takes `bytes_min`
    /// bytes at least; so a count that passes can be reserved for.
    pub(super) fn count(&mut self, things: &str, most: usize, bytes_min: usize) -> Result<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count > most => {
                Err(self.wrong(format!("it has {count} {things}, the limit is {most}")))
            }
            Ok(count) if count <= self.rest.len() / bytes_min => Ok(count),
            _ => Err(self.cut_off()),
        }
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.wrong(format!("{left} bytes are left over"))),
        }
    }

    /// An error about what is being read.
    pub(super) fn wrong(&self, problem: impl ToString) -> DbaError {
        DbaError::decode(self.what, problem)
    }

    fn cut_off(&self) -> DbaError {
        self.wrong("it is cut off")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<u64> {
        let mut reader = Reader { what: "number", rest: bytes };
        let number = reader.varint()?;
        reader.end().map(|()| number)
    }

    proptest! {
        #[test]
        fn a_number_has_one_form(number: u64, shift in 0..64_u32) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            prop_assert_eq!(bytes.len(), varint_len(number));
            prop_assert_eq!(read(&bytes).unwrap(), number);
        }

        #[test]
        fn bytes_that_are_read_are_written_again(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Ok(number) = read(&bytes) {
                let mut again = Vec::new();
                put_varint(number, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn wrong_numbers_are_refused() {
        let long = [[0xFF; 9].as_slice(), &[0x02]].concat();
        let longer = [[0xFF; 10].as_slice(), &[0x00]].concat();
        let cases: [(&[u8], &str); 5] = [
            (&[], "cut off"),
            (&[0x80], "cut off"),
            (&[0x80, 0x00], "shortest"),
            (&long, "64 bits"),
            (&longer, "64 bits"),
        ];
        for (bytes, expected) in cases {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
    }
}
