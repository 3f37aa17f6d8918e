//! Words of a line, split as Redis does.
//!
//! Words are apart by white space. `"…"` knows the escapes `\n \r \t \b \a \xHH`, and a backslash
//! before any other byte gives that byte; `'…'` knows `\'`. A quoted part ends its word.

use super::Request;

/// The words of `line`; `None` if a quote isn't closed, or is followed by something else than space.
pub(crate) fn words(line: &[u8]) -> Option<Request> {
    let mut rest = line.trim_ascii_start();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Some(words)
}

/// The first word, and what comes after it.
fn word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'"' | b'\'' => {
                let part = if first == b'"' { double_quoted } else { single_quoted };
                let after = part(after, &mut word)?;
                let ends = after.first().is_none_or(u8::is_ascii_whitespace);
                return ends.then_some((word, after));
            }
            _ if first.is_ascii_whitespace() => break,
            _ => word.push(first),
        }
        rest = after;
    }
    Some((word, rest))
}

/// Adds the text up to the closing quote to `word`, and gives what comes after.
fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex(*high) << 4 | hex(*low));
                after
            }
            [b'\\', escaped, after @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                after
            }
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
            [] => return None,
        }
    }
}

/// The same for a single quote.
fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\'', after @ ..] => return Some(after),
            [b'\\', b'\'', after @ ..] => {
                word.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
            [] => return None,
        }
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_redis_splits_them() {
        let cases: [(&str, Option<&[&[u8]]>); 14] = [
            ("", Some(&[])),
            ("  \t ", Some(&[])),
            ("PING", Some(&[b"PING"])),
            ("  SET  a   b ", Some(&[b"SET", b"a", b"b"])),
            (r#"SET a "two words""#, Some(&[b"SET", b"a", b"two words"])),
            (r#"SET a """#, Some(&[b"SET", b"a", b""])),
            (r#""\x41\xfF\n\r\t\b\a\\\"\q""#, Some(&[b"A\xff\n\r\t\x08\x07\\\"q"])),
            (r#""\xZZ""#, Some(&[b"xZZ"])),
            (r"'it\'s \n'", Some(&[b"it's \\n"])),
            (r#"pre"fix" x"#, Some(&[b"prefix", b"x"])),
            (r#""open"#, None),
            ("'open", None),
            (r#""a"b"#, None),
            (r#""open\"#, None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|words| words.iter().map(|w| w.to_vec()).collect());
            assert_eq!(words(line.as_bytes()), expected, "{line:?}");
        }
    }
}
