//! The space of keys.

/// A key about half way from `low` up to `high`, the end of all keys if there is none: not below
/// `low` and, if `low` isn't, not at `high`.
pub(super) fn between(low: &[u8], high: Option<&[u8]>) -> Vec<u8> {
    let common = high.map_or(0, |high| low.iter().zip(high).take_while(|(l, h)| l == h).count());
    // What follows the bytes in common, as a number.
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        let digits = key.iter().skip(common);
        bytes.iter_mut().zip(digits).for_each(|(byte, digit)| *byte = *digit);
        u64::from_be_bytes(bytes)
    };
    let (first, last) = (number(low), high.map_or(u64::MAX, number));
    let middle = first + last.saturating_sub(first) / 2;
    let mut key: Vec<u8> = low.iter().take(common).copied().collect();
    key.extend_from_slice(&middle.to_be_bytes());
    if *key > *low && high.is_none_or(|high| *key < *high) { key } else { low.to_vec() }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_lies_between(a in vec(any::<u8>(), 0..12), b in prop::option::of(vec(any::<u8>(), 0..12))) {
            let (low, high) = match b {
                Some(b) if a < b => (a, Some(b)),
                Some(b) if a > b => (b, Some(a)),
                _ => (a, None),
            };
            let key = between(&low, high.as_deref());
            prop_assert!(key >= low && high.is_none_or(|high| key < high));
        }

        /// By halving, any key is found in as many steps as it has bits.
        #[test]
        fn halving_finds_a_key(key in vec(any::<u8>(), 1..20)) {
            let (mut low, mut high) = (Vec::new(), None);
            for _ in 0..64 * key.len() {
                let middle = between(&low, high.as_deref());
                if middle == low {
                    break;
                }
                if middle <= key { low = middle } else { high = Some(middle) }
            }
            prop_assert!(low <= key && high.is_none_or(|high| key < high));
            prop_assert!(key.starts_with(&low[..low.len().saturating_sub(8)]));
        }
    }

    type Halved = (&'static [u8], Option<&'static [u8]>, &'static [u8]);

    #[test]
    fn it_halves() {
        let cases: [Halved; 4] = [
            (b"", None, &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (b"prefix/\x10", Some(b"prefix/\x30"), b"prefix/\x20\0\0\0\0\0\0\0"),
            (b"a", Some(b"a\0"), b"a"),
            (b"same", Some(b"same"), b"same"),
        ];
        for (low, high, expected) in cases {
            assert_eq!(between(low, high), expected);
        }
    }
}
