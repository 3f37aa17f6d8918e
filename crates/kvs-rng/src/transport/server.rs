//! The answering side of a connection.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use kvs_core::env::spawn;
use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::connection::{Established, FrameWriter, Listening, Outgoing};
use super::counters::Traffic;
use super::frame::{FRAME_MAX, Frame, FrameError, Kind};
use super::handshake::Peer;
use super::phase::{Phase, Phases};
use super::service::{Fault, Service};

/// Most inbound connections that have not said yet who they are; more are closed.
pub const HANDSHAKES_MAX: usize = 128;
/// Most bytes of request bodies that one connection may have running.
pub const REQUEST_BYTES_IN_FLIGHT_MAX: usize = 2 * FRAME_MAX;
/// Requests that are declined at a time, while shutting down.
const DECLINES_MAX: usize = 64;

/// What the connections of a node share.
pub(super) struct Server {
    pub(super) service: Arc<dyn Service>,
    pub(super) requests_max: usize,
    pub(super) keep_alive: Duration,
    pub(super) phases: Phases,
}

impl Server {
    /// Answers the requests of one connection until it ends; says why it ended. The requests that
    /// still run then are dropped.
    pub(super) async fn serve(
        &self,
        peer: Peer,
        connection: Established,
        traffic: Arc<Traffic>,
    ) -> Result<(), String> {
        let Established { reader, writer } = connection;
        let (answers, mut queue) = mpsc::channel(self.requests_max + DECLINES_MAX);
        let mut listening = Listening::new(reader, self.keep_alive);
        let mut writing = FrameWriter::new(writer, traffic);
        let requests = Requests {
            peer: Arc::new(peer),
            service: self.service.clone(),
            slots: Arc::new(Semaphore::new(self.requests_max)),
            bytes: Arc::new(Semaphore::new(REQUEST_BYTES_IN_FLIGHT_MAX)),
            answers,
        };
        tokio::select! {
            biased;
            () = self.phases.reached(Phase::Closed) => Ok(()),
            read = requests.read(&mut listening, &self.phases) => {
                read.map_err(|error| error.to_string())
            }
            written = writing.run(&mut queue, self.keep_alive) => {
                written.map_err(|error| format!("writing: {error}"))
            }
        }
    }
}

struct Requests {
    peer: Arc<Peer>,
    service: Arc<dyn Service>,
    /// As many as requests may run.
    slots: Arc<Semaphore>,
    /// As many as bytes of requests may be held.
    bytes: Arc<Semaphore>,
    answers: mpsc::Sender<Answer>,
}

impl Requests {
    async fn read<R: AsyncRead + Unpin>(
        &self,
        listening: &mut Listening<R>,
        phases: &Phases,
    ) -> Result<(), FrameError> {
        let mut open = true;
        loop {
            let next = tokio::select! {
                biased;
                next = listening.next() => Some(next?),
                () = phases.reached(Phase::Draining), if open => None,
            };
            if open && phases.now() >= Phase::Draining {
                open = false;
                self.send(Frame::bare(Kind::GoAway), None).await;
            }
            let Some(next) = next else { continue };
            match next {
                Some(frame) if frame.kind == Kind::Request && open => self.run(frame).await,
                Some(frame) if frame.kind == Kind::Request => {
                    let body = b"the node is shutting down".to_vec();
                    self.send(Frame { kind: Kind::Decline, body, ..frame }, None).await;
                }
                Some(frame) => return Err(FrameError::Unexpected(frame.kind)),
                // The asking side closes once it has all its answers.
                None => return Ok(()),
            }
        }
    }

    /// Begins a request. Waits while too many run: meanwhile nothing is read from the connection,
    /// and the asking side notices that its writes don't proceed.
    async fn run(&self, frame: Frame) {
        let bytes = u32::try_from(frame.body.len()).unwrap_or(u32::MAX);
        let slot = self.slots.clone().acquire_owned().await;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await;
        // Nobody closes the semaphores.
        let (Ok(slot), Ok(bytes)) = (slot, bytes) else { return };
        let (peer, service, answers) =
            (self.peer.clone(), self.service.clone(), self.answers.clone());
        let mut running = Box::pin(async move {
            let Frame { id, code, body, .. } = frame;
            let call = AssertUnwindSafe(service.call(&peer, code, body)).catch_unwind();
            let answer = tokio::select! {
                biased;
                () = answers.closed() => return,
                answer = call => answer,
            };
            drop(bytes);
            let answer = answer.unwrap_or_else(|_| {
                tracing::error!(peer = %peer.node, method = code, "the service panicked");
                Err(Fault::new(Fault::PANICKED, "the service panicked"))
            });
            let answer = Answer { frame: Some(answer_frame(id, answer)), _slot: Some(slot) };
            answers.send(answer).await.ok();
        });
        // Most requests need nothing but memory, and cost no task.
        if poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx))).await.is_pending() {
            spawn(running);
        }
    }

    async fn send(&self, frame: Frame, slot: Option<OwnedSemaphorePermit>) {
        self.answers.send(Answer { frame: Some(frame), _slot: slot }).await.ok();
    }
}

fn answer_frame(id: u64, answer: Result<Vec<u8>, Fault>) -> Frame {
    let fault = match answer {
        Ok(body) if body.len() <= FRAME_MAX => {
            return Frame { kind: Kind::Answer, id, code: 0, body };
        }
        Ok(body) => {
            let message = format!("the answer has {} bytes, a frame {FRAME_MAX}", body.len());
            Fault::new(Fault::ANSWER_TOO_LARGE, message)
        }
        Err(fault) => fault,
    };
    let mut body = fault.message.into_bytes();
    body.truncate(Fault::MESSAGE_MAX);
    Frame { kind: Kind::Fault, id, code: fault.code, body }
}

/// An answer on its way out. It counts as a request in flight until it is about to be written.
struct Answer {
    frame: Option<Frame>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Outgoing for Answer {
    fn frame(&mut self) -> Option<Frame> {
        self.frame.take()
    }
}
