//! The parser: a state for each thing that may come next.

use std::fmt;
use std::mem;

use super::limits::{ARGUMENT_OVERHEAD_BYTES, HEADER_BYTES_MAX, INLINE_BYTES_MAX};
use super::{Limits, Request, inline};

/// Why a stream can't be read on, in Redis' words. The connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolError(String);

impl ProtocolError {
    fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol error: {}", self.0)
    }
}

/// Turns a stream of bytes into requests.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    state: State,
    /// The line so far, in the states that read one.
    line: Vec<u8>,
    /// The arguments that are whole.
    arguments: Request,
    /// What the arguments count for, the one being read among them.
    request_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The first byte of a request.
    #[default]
    Start,
    /// The line that announces how many arguments follow.
    Count,
    /// A line of words.
    Inline,
    /// The line that announces the length of the next argument, with `left` to come.
    Length { left: usize },
    /// The bytes of an argument, which is the last of `arguments`.
    Argument { left: usize, bytes_left: usize },
    /// What ends an argument.
    End { left: usize, seen_return: bool },
}

impl Parser {
    /// Takes bytes off the front of `input` up to the end of a request, and gives that; `None` if
    /// `input` is used up before.
    ///
    /// # Errors
    /// Bytes that are no request, or a request beyond `limits`. The parser is of no use afterwards.
    pub(crate) fn next(
        &mut self,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<Option<Request>, ProtocolError> {
        while let Some(&first) = input.first() {
            let done = match self.state {
                State::Start => {
                    self.state = if first == b'*' { State::Count } else { State::Inline };
                    false
                }
                State::Inline => self.inline(input)?,
                State::Count => self.count(input, limits)?,
                State::Length { left } => self.length(left, input, limits)?,
                State::Argument { left, bytes_left } => self.argument(left, bytes_left, input),
                State::End { left, seen_return } => self.end(left, seen_return, input)?,
            };
            if done {
                self.state = State::Start;
                self.request_bytes = 0;
                return Ok(Some(mem::take(&mut self.arguments)));
            }
        }
        Ok(None)
    }

    /// Whether a part of a request is held.
    pub(crate) fn is_midway(&self) -> bool {
        self.state != State::Start
    }

    /// About how much memory is held.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        let arguments = self.arguments.iter().map(|a| a.capacity() + size_of_val(a)).sum::<usize>();
        self.line.capacity() + arguments
    }

    /// Whether the line is whole. It is without its end then.
    fn line(&mut self, input: &mut &[u8], max: usize, what: &str) -> Result<bool, ProtocolError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.line.len() + part.len() > max {
            return Err(ProtocolError::new(format!("too big {what}")));
        }
        self.line.extend_from_slice(part);
        *input = rest.get(1..).unwrap_or_default();
        Ok(end.is_some())
    }

    fn inline(&mut self, input: &mut &[u8]) -> Result<bool, ProtocolError> {
        if !self.line(input, INLINE_BYTES_MAX, "inline request")? {
            return Ok(false);
        }
        let line = mem::take(&mut self.line);
        let words = inline::words(&line);
        self.arguments = words.ok_or_else(|| ProtocolError::new("unbalanced quotes in request"))?;
        self.state = State::Start;
        Ok(!self.arguments.is_empty())
    }

    /// The number in a whole line that begins with one more byte.
    fn number(&mut self) -> Option<i64> {
        let number = self.line.get(1..).and_then(|line| line.strip_suffix(b"\r"));
        let number = number.and_then(decimal);
        self.line.clear();
        number
    }

    fn count(&mut self, input: &mut &[u8], limits: &Limits) -> Result<bool, ProtocolError> {
        if !self.line(input, HEADER_BYTES_MAX, "mbulk count string")? {
            return Ok(false);
        }
        let count = self.number().ok_or_else(|| ProtocolError::new("invalid multibulk length"))?;
        self.state = match usize::try_from(count) {
            // An array of nothing asks for nothing, and gets no answer.
            Err(_) | Ok(0) => State::Start,
            Ok(left) if left <= limits.arguments => State::Length { left },
            Ok(_) if limits.before_auth => {
                return Err(ProtocolError::new("unauthenticated multibulk length"));
            }
            Ok(_) => return Err(ProtocolError::new("invalid multibulk length")),
        };
        Ok(false)
    }

    fn length(
        &mut self,
        left: usize,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<bool, ProtocolError> {
        if let (true, Some(&first)) = (self.line.is_empty(), input.first())
            && first != b'$'
        {
            let found = first.escape_ascii();
            return Err(ProtocolError::new(format!("expected '$', got '{found}'")));
        }
        if !self.line(input, HEADER_BYTES_MAX, "bulk count string")? {
            return Ok(false);
        }
        let length = self.number().and_then(|length| usize::try_from(length).ok());
        let bytes_left = match length {
            Some(length) if length <= limits.argument_bytes => length,
            Some(_) if limits.before_auth => {
                return Err(ProtocolError::new("unauthenticated bulk length"));
            }
            _ => return Err(ProtocolError::new("invalid bulk length")),
        };
        self.request_bytes += bytes_left + ARGUMENT_OVERHEAD_BYTES;
        if self.request_bytes > limits.request_bytes {
            let limit = limits.request_bytes;
            return Err(ProtocolError::new(format!("request beyond {limit} bytes")));
        }
        self.arguments.push(Vec::new());
        self.state = State::Argument { left, bytes_left };
        Ok(false)
    }

    fn argument(&mut self, left: usize, bytes_left: usize, input: &mut &[u8]) -> bool {
        let (part, rest) = input.split_at(bytes_left.min(input.len()));
        *input = rest;
        if let Some(argument) = self.arguments.last_mut() {
            argument.extend_from_slice(part);
        }
        self.state = match bytes_left - part.len() {
            0 => State::End { left, seen_return: false },
            bytes_left => State::Argument { left, bytes_left },
        };
        false
    }

    fn end(
        &mut self,
        left: usize,
        seen_return: bool,
        input: &mut &[u8],
    ) -> Result<bool, ProtocolError> {
        let expected = if seen_return { b'\n' } else { b'\r' };
        match input.split_first() {
            Some((byte, rest)) if *byte == expected => *input = rest,
            _ => return Err(ProtocolError::new("expected CRLF after an argument")),
        }
        self.state = match left {
            _ if !seen_return => State::End { left, seen_return: true },
            0 | 1 => return Ok(true),
            _ => State::Length { left: left - 1 },
        };
        Ok(false)
    }
}

/// A number in the one way to write it: no plus, no leading zeros, no spaces.
fn decimal(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
