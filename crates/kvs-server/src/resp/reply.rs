//! Replies, in both versions of the protocol.
//!
//! RESP3 has types that RESP2 lacks; a client of RESP2 gets what Redis gives it in their place.
//!
//! | reply | RESP3 | RESP2 |
//! |---|---|---|
//! | null | `_` | `$-1`, a bulk string that isn't there |
//! | map | `%2` | `*4`, keys and values in turn |
//! | set | `~2` | `*2`, an array |
//! | verbatim text | `=7` `txt:abc` | `$3` `abc`, a bulk string |

use std::fmt::Display;
use std::mem;

/// The version of the protocol that replies are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// What every client begins with.
    #[default]
    Resp2,
    /// Asked for with `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// Its number, as `HELLO` has it.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// Replies that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The version of the replies to come.
    pub(crate) protocol: Protocol,
    bytes: Vec<u8>,
}

impl Replies {
    /// A short text such as `OK`.
    pub(crate) fn simple(&mut self, text: &str) {
        self.line('+', unbroken(text));
    }

    /// An error: a code in capitals, and what is wrong.
    pub(crate) fn error(&mut self, text: &str) {
        self.line('-', unbroken(text));
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, number: i64) {
        self.line(':', number);
    }

    /// A whole number without a sign. Nothing here counts beyond what an integer holds.
    pub(crate) fn count(&mut self, number: u64) {
        self.line(':', number);
    }

    /// A place to write replies whose number isn't known yet.
    pub(crate) fn apart(&self) -> Self {
        Self { protocol: self.protocol, bytes: Vec::new() }
    }

    /// Replies that were written [`apart`](Self::apart).
    pub(crate) fn append(&mut self, mut other: Self) {
        self.bytes.append(&mut other.bytes);
    }

    /// Any bytes.
    pub(crate) fn bulk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.line('$', bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.end();
    }

    /// Nothing.
    pub(crate) fn null(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.line('$', -1),
            Protocol::Resp3 => self.line('_', ""),
        }
    }

    /// Bytes, or nothing.
    pub(crate) fn bulk_or_null(&mut self, bytes: Option<impl AsRef<[u8]>>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// The head of an array: `length` replies have to follow.
    pub(crate) fn array(&mut self, length: usize) {
        self.line('*', length);
    }

    /// The head of a map: `length` keys, each with its value, have to follow.
    pub(crate) fn map(&mut self, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.line('*', length * 2),
            Protocol::Resp3 => self.line('%', length),
        }
    }

    /// The head of a set: `length` replies have to follow.
    pub(crate) fn set(&mut self, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.line('*', length),
            Protocol::Resp3 => self.line('~', length),
        }
    }

    /// Text for people.
    pub(crate) fn verbatim(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.line('=', text.len() + 4);
                self.bytes.extend_from_slice(b"txt:");
                self.bytes.extend_from_slice(text.as_bytes());
                self.end();
            }
        }
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back all but the first `length` bytes: a reply that came to nothing.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Takes what waits.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.bytes)
    }

    /// Gives a buffer back for the replies to come, so that it needn't be allocated again.
    pub(crate) fn reuse(&mut self, mut buffer: Vec<u8>) {
        if self.bytes.is_empty() {
            buffer.clear();
            self.bytes = buffer;
        }
    }

    fn line(&mut self, kind: char, content: impl Display) {
        self.bytes.extend_from_slice(format!("{kind}{content}\r\n").as_bytes());
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// A text without line ends, which would end the reply.
fn unbroken(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_written_as_each_version_has_them() {
        type Write = fn(&mut Replies);
        let cases: [(Write, &str, &str); 11] = [
            (|r| r.simple("OK"), "+OK\r\n", "+OK\r\n"),
            (|r| r.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (|r| r.integer(-7), ":-7\r\n", ":-7\r\n"),
            (|r| r.bulk("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
            (|r| r.bulk(""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (|r| r.null(), "$-1\r\n", "_\r\n"),
            (|r| r.bulk_or_null(None::<&str>), "$-1\r\n", "_\r\n"),
            (|r| r.array(2), "*2\r\n", "*2\r\n"),
            (|r| r.map(2), "*4\r\n", "%2\r\n"),
            (|r| r.set(2), "*2\r\n", "~2\r\n"),
            (|r| r.verbatim("é"), "$2\r\né\r\n", "=6\r\ntxt:é\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
                let mut replies = Replies { protocol, ..Replies::default() };
                write(&mut replies);
                assert_eq!(String::from_utf8(replies.take()).unwrap(), expected);
            }
        }
    }
}
