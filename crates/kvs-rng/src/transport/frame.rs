//! Frames: what is written to a connection.
//!
//! ```text
//!  0        4      5        13     15
//! ┌────────┬──────┬────────┬──────┬───────────────────┐
//! │ length │ kind │ id     │ code │ body              │
//! │ u32    │ u8   │ u64    │ u16  │ length − 11 bytes │
//! └────────┴──────┴────────┴──────┴───────────────────┘
//! ```
//! Numbers are big-endian. `length` counts what follows it. What `id`, `code` and `body` mean depends
//! on the [`Kind`]; what a kind doesn't use is zero. This layout is the same in every version of the
//! protocol: the handshake, which agrees on the version, is made of frames itself.

use std::io;

use thiserror::Error;

/// Bytes of a frame before its body.
pub const HEADER: usize = 15;
/// Largest body of a frame, in bytes.
pub const FRAME_MAX: usize = 32 << 20;
/// Largest body of a frame before the handshake is done, in bytes.
pub const HANDSHAKE_FRAME_MAX: usize = 4 << 10;
/// What `length` says of a frame with an empty body.
const LENGTH_MIN: usize = HEADER - 4;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who the sender is. The body is a [`Hello`](super::handshake::Hello).
    Hello = 1,
    /// The sender of the first hello is content with the second.
    Accept = 2,
    /// The handshake failed. `code` says why, the body is text for people. The last frame.
    Refuse = 3,
    /// A request. `id` is chosen by the asking side, `code` is the method.
    Request = 4,
    /// The answer to the request `id`.
    Answer = 5,
    /// The request `id` was run and failed. `code` is the fault's, the body is text.
    Fault = 6,
    /// The request `id` was not run. The body is text.
    Decline = 7,
    /// The sender is there.
    Ping = 8,
    /// The sender is shutting down: it runs what it has and declines what is new.
    GoAway = 9,
}

impl Kind {
    fn from_byte(byte: u8) -> Result<Self, FrameError> {
        Ok(match byte {
            1 => Self::Hello,
            2 => Self::Accept,
            3 => Self::Refuse,
            4 => Self::Request,
            5 => Self::Answer,
            6 => Self::Fault,
            7 => Self::Decline,
            8 => Self::Ping,
            9 => Self::GoAway,
            _ => return Err(FrameError::Kind(byte)),
        })
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// The request it belongs to.
    pub id: u64,
    /// The method of a request, the code of a fault or refusal.
    pub code: u16,
    /// The rest.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame that is only its kind.
    pub fn bare(kind: Kind) -> Self {
        Self { kind, id: 0, code: 0, body: Vec::new() }
    }

    /// Its length on the wire, in bytes.
    pub fn wire_len(&self) -> usize {
        HEADER + self.body.len()
    }

    /// Appends all but the body to `out`.
    pub fn encode_header(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(LENGTH_MIN + self.body.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.push(self.kind as u8);
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&self.code.to_be_bytes());
    }

    /// Appends the frame to `out`. Its body must be within [`FRAME_MAX`]: no decoder takes more.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_header(out);
        out.extend_from_slice(&self.body);
    }
}

/// What came in is not a frame, or not one that is allowed here. The connection is of no more use.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is impossible.
    #[error("a frame of {length} bytes was announced; {LENGTH_MIN} to {limit} are allowed here")]
    Length {
        /// What was announced.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// There is no such kind.
    #[error("frame kind {0} is unknown")]
    Kind(u8),
    /// The kind has no place here.
    #[error("an unexpected frame of kind {0:?}")]
    Unexpected(Kind),
    /// The stream ended inside of a frame.
    #[error("the connection was closed in the middle of a frame")]
    Truncated,
    /// Nothing came for the whole keep-alive time.
    #[error("the peer was silent for {0} ms")]
    Silent(u128),
    /// The stream failed.
    #[error("reading: {0}")]
    Io(#[from] io::Error),
}

/// Turns bytes into frames, whatever the pieces the bytes come in.
///
/// Memory is taken for bytes that are there, not for those that are announced.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    header: [u8; HEADER],
    /// How much of `header` is filled.
    filled: usize,
    body: Vec<u8>,
}

impl Decoder {
    /// A decoder that takes bodies of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, header: [0; HEADER], filled: 0, body: Vec::new() }
    }

    /// From now on takes bodies of up to `limit` bytes.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether it stands between two frames.
    pub fn is_between_frames(&self) -> bool {
        self.filled == 0
    }

    /// Takes from the front of `bytes` what it needs for one frame. `None`: all was taken, and more
    /// is needed. After an error the decoder is of no more use.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        self.take_header(bytes);
        if self.filled >= 4 {
            self.check_length()?;
        }
        if self.filled < HEADER {
            return Ok(None);
        }
        let [_, _, _, _, kind, i0, i1, i2, i3, i4, i5, i6, i7, c0, c1] = self.header;
        let kind = Kind::from_byte(kind)?;
        let missing = (self.length() - LENGTH_MIN).saturating_sub(self.body.len());
        let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
        // Doubling, but never beyond what this frame can need.
        if self.body.capacity() - self.body.len() < taken.len() {
            self.body.reserve_exact(taken.len().max(self.body.len()).min(missing));
        }
        self.body.extend_from_slice(taken);
        *bytes = rest;
        if taken.len() < missing {
            return Ok(None);
        }
        self.filled = 0;
        Ok(Some(Frame {
            kind,
            id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
            code: u16::from_be_bytes([c0, c1]),
            body: std::mem::take(&mut self.body),
        }))
    }

    fn take_header(&mut self, bytes: &mut &[u8]) {
        let empty = self.header.get_mut(self.filled..).unwrap_or_default();
        let (taken, rest) = bytes.split_at(empty.len().min(bytes.len()));
        for (to, from) in empty.iter_mut().zip(taken) {
            *to = *from;
        }
        self.filled += taken.len();
        *bytes = rest;
    }

    fn length(&self) -> usize {
        let [a, b, c, d, ..] = self.header;
        usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX)
    }

    fn check_length(&self) -> Result<(), FrameError> {
        let (length, limit) = (self.length(), LENGTH_MIN + self.limit);
        if (LENGTH_MIN..=limit).contains(&length) {
            return Ok(());
        }
        Err(FrameError::Length { length, limit })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let body = prop_oneof![vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..5000)];
        let frame =
            (1..=9u8, any::<u64>(), any::<u16>(), body).prop_map(|(kind, id, code, body)| Frame {
                kind: Kind::from_byte(kind).unwrap(),
                id,
                code,
                body,
            });
        vec(frame, 0..8)
    }

    fn decode(decoder: &mut Decoder, mut bytes: &[u8], frames: &mut Vec<Frame>) {
        while let Some(frame) = decoder.take(&mut bytes).unwrap() {
            frames.push(frame);
        }
        assert!(bytes.is_empty());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_frames(frames in frames(), pieces in vec(1..700usize, 1..20)) {
            let mut bytes = Vec::new();
            for frame in &frames {
                let before = bytes.len();
                frame.encode(&mut bytes);
                prop_assert_eq!(bytes.len() - before, frame.wire_len());
            }
            let (mut decoder, mut found, mut rest) = (Decoder::new(FRAME_MAX), Vec::new(), &bytes[..]);
            for size in pieces.iter().cycle() {
                let (piece, after) = rest.split_at((*size).min(rest.len()));
                decode(&mut decoder, piece, &mut found);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, frames);
            prop_assert!(decoder.is_between_frames());
        }

        #[test]
        fn half_a_frame_is_no_frame(frame in frames().prop_filter_map("one", |mut f| f.pop()), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            let mut half = &bytes[..cut.index(bytes.len())];
            let started = !half.is_empty();
            let mut decoder = Decoder::new(FRAME_MAX);
            prop_assert!(decoder.take(&mut half).unwrap().is_none());
            prop_assert_eq!(decoder.is_between_frames(), !started);
        }
    }

    #[test]
    fn lengths_are_checked_before_anything_else_is_read() {
        for (length, fits) in
            [(0u32, false), (10, false), (11, true), (111, true), (112, false), (u32::MAX, false)]
        {
            let mut decoder = Decoder::new(100);
            let taken = decoder.take(&mut &length.to_be_bytes()[..]);
            assert_eq!(taken.is_ok(), fits, "{length}");
            assert_eq!(decoder.body.capacity(), 0);
        }
    }

    #[test]
    fn an_announced_length_takes_no_memory() {
        let frame = Frame { kind: Kind::Request, id: 1, code: 2, body: vec![7; FRAME_MAX] };
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        let mut decoder = Decoder::new(FRAME_MAX);
        let mut held = 0;
        for piece in bytes[..1 << 20].chunks(1000) {
            assert!(decoder.take(&mut &piece[..]).unwrap().is_none());
            held += piece.len();
            assert!(decoder.body.capacity() <= 2 * held);
        }
        let mut rest = &bytes[1 << 20..];
        let whole = decoder.take(&mut rest).unwrap().unwrap();
        assert_eq!(whole, frame);
        assert!(whole.body.capacity() <= FRAME_MAX);
    }

    #[test]
    fn unknown_kinds_are_refused() {
        for kind in [0, 10, 255] {
            let mut bytes = Vec::new();
            Frame::bare(Kind::Ping).encode(&mut bytes);
            bytes[4] = kind;
            let error = Decoder::new(0).take(&mut &bytes[..]).unwrap_err();
            assert!(matches!(error, FrameError::Kind(found) if found == kind), "{error}");
        }
    }

    #[test]
    fn fuzz_any_bytes_are_frames_or_an_error() {
        bolero::check!().for_each(|input: &[u8]| {
            let (mut decoder, mut rest, mut again) = (Decoder::new(1 << 10), input, Vec::new());
            while let Ok(Some(frame)) = decoder.take(&mut rest) {
                assert!(frame.body.len() <= 1 << 10);
                frame.encode(&mut again);
            }
            assert!(input.starts_with(&again));
            assert!(decoder.body.capacity() <= input.len());
        });
    }
}
