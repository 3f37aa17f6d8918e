//! A stream inside of Noise messages.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use kvs_core::env::net::BoxByteStream;
use snow::TransportState;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Largest message, in bytes.
const MESSAGE_MAX: usize = 65_535;
/// Bytes that a message adds to what it carries.
const TAG: usize = 16;
/// Most bytes of the stream in one message.
const PAYLOAD_MAX: usize = MESSAGE_MAX - TAG;
/// Bytes of the length before a message.
const LENGTH: usize = 2;

/// Reads and writes the stream inside. Holds one message in each direction.
pub(super) struct NoiseStream {
    inner: BoxByteStream,
    noise: TransportState,
    /// What came in; the part `start..end` is not decrypted yet.
    sealed: Box<[u8]>,
    start: usize,
    end: usize,
    /// A decrypted message; the part `opened_start..opened_end` was not read yet.
    opened: Box<[u8]>,
    opened_start: usize,
    opened_end: usize,
    /// A message to be written, from `written` on.
    out: Vec<u8>,
    written: usize,
}

impl NoiseStream {
    pub(super) fn new(inner: BoxByteStream, noise: TransportState) -> Self {
        Self {
            inner,
            noise,
            sealed: vec![0; LENGTH + MESSAGE_MAX].into(),
            start: 0,
            end: 0,
            opened: vec![0; PAYLOAD_MAX].into(),
            opened_start: 0,
            opened_end: 0,
            out: Vec::new(),
            written: 0,
        }
    }

    /// Decrypts the next message if all of it is there.
    fn open(&mut self) -> io::Result<bool> {
        let there = self.sealed.get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = there.split_first_chunk::<LENGTH>() else { return Ok(false) };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(message) = rest.get(..length) else { return Ok(false) };
        self.opened_end = self.noise.read_message(message, &mut self.opened).map_err(invalid)?;
        self.opened_start = 0;
        self.start += LENGTH + length;
        Ok(true)
    }

    /// Reads more of what is sealed; false at the end of the stream.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.sealed.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        // There is room: a whole message would have been opened.
        let mut room = ReadBuf::new(self.sealed.get_mut(self.end..).unwrap_or_default());
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut room))?;
        let read = room.filled().len();
        self.end += read;
        if read == 0 && self.end > 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(read > 0))
    }

    fn seal(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = payload.len() + TAG;
        self.out.resize(LENGTH + length, 0);
        self.written = 0;
        let Some((head, message)) = self.out.split_first_chunk_mut::<LENGTH>() else {
            return Ok(());
        };
        self.noise.write_message(payload, message).map_err(invalid)?;
        *head = u16::try_from(length).map_err(io::Error::other)?.to_be_bytes();
        Ok(())
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        Poll::Ready(Ok(()))
    }
}

fn invalid(error: snow::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl AsyncRead for NoiseStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let opened = this.opened.get(this.opened_start..this.opened_end).unwrap_or_default();
            if !opened.is_empty() {
                let (taken, _) = opened.split_at(opened.len().min(buffer.remaining()));
                buffer.put_slice(taken);
                this.opened_start += taken.len();
                return Poll::Ready(Ok(()));
            }
            if !this.open()? && !ready!(this.poll_more(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for NoiseStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        let payload = bytes.get(..PAYLOAD_MAX).unwrap_or(bytes);
        this.seal(payload)?;
        // What can't be written now goes with the next write or flush.
        if let Poll::Ready(Err(error)) = this.poll_out(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(payload.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
