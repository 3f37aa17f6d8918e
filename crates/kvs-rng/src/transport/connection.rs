//! One connection: reading and writing frames, and noticing that the peer is gone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::net::BoxByteStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::counters::Traffic;
use super::frame::{Decoder, FRAME_MAX, Frame, FrameError, HANDSHAKE_FRAME_MAX, Kind};

/// Bytes that are read at a time.
const READ_BYTES: usize = 32 << 10;
/// Bytes of small frames that are written at a time, about.
const WRITE_BYTES: usize = 64 << 10;
/// Bodies beyond this are written from where they are.
const COPIED_BODY_MAX: usize = 16 << 10;
/// Frames that are taken out of the queue at a time.
const BATCH_FRAMES: usize = 128;
/// Parts of the keep-alive time: a ping is due after one, the peer is gone after all.
const TICKS: u32 = 4;
/// The longest that one write may take; a peer that takes nothing for so long is given up.
const WRITE_STALL_MAX: Duration = Duration::from_secs(60);

/// Reads frames from a stream.
#[derive(Debug)]
pub(super) struct FrameReader<R> {
    stream: R,
    decoder: Decoder,
    buffer: Box<[u8]>,
    /// The part of `buffer` that is not decoded yet.
    start: usize,
    end: usize,
    /// Whether anything came since the flag was last taken.
    heard: bool,
    traffic: Option<Arc<Traffic>>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// A reader for a handshake: it takes small frames only.
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            decoder: Decoder::new(HANDSHAKE_FRAME_MAX),
            buffer: vec![0; READ_BYTES].into(),
            start: 0,
            end: 0,
            heard: false,
            traffic: None,
        }
    }

    /// The handshake is done: frames of any allowed size, counted.
    pub(super) fn established(&mut self, traffic: Arc<Traffic>) {
        self.decoder.set_limit(FRAME_MAX);
        self.traffic = Some(traffic);
    }

    /// The next frame, or `None` at the end of the stream. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let mut rest = self.buffer.get(self.start..self.end).unwrap_or_default();
            let taken = self.decoder.take(&mut rest)?;
            self.start = self.end - rest.len();
            if let Some(frame) = taken {
                if let Some(traffic) = &self.traffic {
                    traffic.received(frame.wire_len());
                }
                return Ok(Some(frame));
            }
            let read = self.stream.read(&mut self.buffer).await?;
            (self.start, self.end) = (0, read);
            if read == 0 {
                let whole = self.decoder.is_between_frames();
                return if whole { Ok(None) } else { Err(FrameError::Truncated) };
            }
            self.heard = true;
        }
    }
}

/// Reads frames and notices silence.
#[derive(Debug)]
pub(super) struct Listening<R> {
    reader: FrameReader<R>,
    tick: Interval,
    silent: u32,
    keep_alive: Duration,
}

impl<R: AsyncRead + Unpin> Listening<R> {
    pub(super) fn new(reader: FrameReader<R>, keep_alive: Duration) -> Self {
        Self { reader, tick: ticks(keep_alive), silent: 0, keep_alive }
    }

    /// As [`FrameReader::next`], with an error after a silence of the keep-alive time. Only the time
    /// spent in here counts. Pings are taken out.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            tokio::select! {
                biased;
                frame = self.reader.next() => match frame {
                    Ok(Some(frame)) if frame.kind == Kind::Ping => {}
                    other => return other,
                },
                _ = self.tick.tick() => self.ticked()?,
            }
        }
    }

    fn ticked(&mut self) -> Result<(), FrameError> {
        if std::mem::take(&mut self.reader.heard) {
            self.silent = 0;
            return Ok(());
        }
        self.silent += 1;
        if self.silent > TICKS {
            return Err(FrameError::Silent(self.keep_alive.as_millis()));
        }
        Ok(())
    }
}

/// What can be put into the queue of a connection.
pub(super) trait Outgoing: Send {
    /// The frame to write; `None` if it is not wanted any more.
    fn frame(&mut self) -> Option<Frame>;
}

/// Writes frames to a stream: as many at once as are waiting, and pings when none are.
#[derive(Debug)]
pub(super) struct FrameWriter<W> {
    stream: W,
    buffer: Vec<u8>,
    traffic: Arc<Traffic>,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    pub(super) fn new(stream: W, traffic: Arc<Traffic>) -> Self {
        Self { stream, buffer: Vec::new(), traffic }
    }

    /// Writes what comes through `queue` until all its senders are gone, then closes the stream.
    pub(super) async fn run<T: Outgoing>(
        &mut self,
        queue: &mut mpsc::Receiver<T>,
        keep_alive: Duration,
    ) -> io::Result<()> {
        let mut tick = ticks(keep_alive);
        let mut wrote = true;
        let mut batch = Vec::with_capacity(BATCH_FRAMES);
        loop {
            tokio::select! {
                biased;
                count = queue.recv_many(&mut batch, BATCH_FRAMES) => {
                    if count == 0 {
                        return self.stream.shutdown().await;
                    }
                    wrote = true;
                    for mut item in batch.drain(..) {
                        if let Some(frame) = item.frame() {
                            self.add(&frame).await?;
                        }
                    }
                    self.write().await?;
                }
                _ = tick.tick() => {
                    if !std::mem::take(&mut wrote) {
                        self.add(&Frame::bare(Kind::Ping)).await?;
                        self.write().await?;
                    }
                }
            }
        }
    }

    async fn add(&mut self, frame: &Frame) -> io::Result<()> {
        self.traffic.sent(1, frame.wire_len());
        frame.encode_header(&mut self.buffer);
        if frame.body.len() <= COPIED_BODY_MAX {
            self.buffer.extend_from_slice(&frame.body);
            return if self.buffer.len() < WRITE_BYTES {
                Ok(())
            } else {
                self.write_buffer().await
            };
        }
        self.write_buffer().await?;
        // In pieces, so that a slow but living peer isn't taken for one that stalls.
        for piece in frame.body.chunks(WRITE_BYTES) {
            unstalled(self.stream.write_all(piece)).await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> io::Result<()> {
        self.write_buffer().await?;
        unstalled(self.stream.flush()).await
    }

    async fn write_buffer(&mut self) -> io::Result<()> {
        unstalled(self.stream.write_all(&self.buffer)).await?;
        self.buffer.clear();
        Ok(())
    }
}

async fn unstalled(write: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    match timeout(WRITE_STALL_MAX, write).await {
        Ok(done) => done,
        Err(_) => {
            let problem = format!("the peer took nothing for {WRITE_STALL_MAX:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, problem))
        }
    }
}

fn ticks(keep_alive: Duration) -> Interval {
    let mut tick = interval(keep_alive / TICKS);
    // A process that was stopped must not count the time that it did not run.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

/// A connection whose handshake is done.
pub(super) struct Established {
    pub(super) reader: FrameReader<ReadHalf<BoxByteStream>>,
    pub(super) writer: WriteHalf<BoxByteStream>,
}
