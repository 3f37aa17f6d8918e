//! The asking side of a connection: calls in flight and their ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs_core::env::Background;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::connection::{Established, FrameWriter, Listening, Outgoing};
use super::counters::Traffic;
use super::error::Reason;
use super::frame::{Frame, FrameError, Kind};
use super::handshake::{Peer, text};
use super::service::Fault;

/// Most calls in flight on one connection; more are refused as busy.
pub const CALLS_IN_FLIGHT_MAX: usize = 4096;

/// How a call on a connection failed; the address is added above.
#[derive(Debug)]
pub(super) enum Failure {
    NotSent(Reason),
    Lost(Reason),
    Fault(Fault),
}

/// A connection that was opened from here.
#[derive(Debug)]
pub(super) struct Client {
    peer: Peer,
    calls: Arc<Calls>,
    queue: mpsc::Sender<Request>,
    _connection: Background,
}

impl Client {
    /// Takes over a connection whose handshake is done.
    pub(super) fn start(
        peer: Peer,
        connection: Established,
        keep_alive: Duration,
        traffic: Arc<Traffic>,
    ) -> Self {
        let (queue, requests) = mpsc::channel(CALLS_IN_FLIGHT_MAX);
        let calls = Arc::new(Calls::default());
        let run = run(calls.clone(), connection, requests, keep_alive, traffic);
        Self { peer, calls, queue, _connection: Background::run(run) }
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Why it takes no more calls, if it doesn't.
    pub(super) fn end(&self) -> Option<End> {
        self.calls.table().end.clone()
    }

    /// One call. `timeout` is the whole of the caller's time, of which `deadline` is the end.
    pub(super) async fn call(
        &self,
        method: u16,
        body: Vec<u8>,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let (answer, answered) = oneshot::channel();
        let id = self.calls.begin(answer).map_err(Failure::NotSent)?;
        let call = Call { calls: &self.calls, id };
        let frame = Frame { kind: Kind::Request, id, code: method, body };
        if self.queue.try_send(Request { calls: self.calls.clone(), frame: Some(frame) }).is_err() {
            return Err(Failure::NotSent(busy()));
        }
        match timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            // The table was dropped with the call in it; it can't be said how far it came.
            Ok(Err(_)) => Err(Failure::Lost(Reason::Ended("it was dropped".to_owned()))),
            Err(_) => match call.calls.forget(id) {
                Some(Waiting { sent: false, .. }) => {
                    Err(Failure::NotSent(Reason::Deadline(timeout)))
                }
                _ => Err(Failure::Lost(Reason::Deadline(timeout))),
            },
        }
    }

    /// Ends the connection now.
    pub(super) fn close(&self) {
        self.calls.finish(End { broken: false, reason: "this node is shutting down".to_owned() });
        self.calls.idle.notify_one();
    }
}

/// Why a connection takes no more calls.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// It did not end in good order.
    pub(super) broken: bool,
    pub(super) reason: String,
}

/// The calls of a connection.
#[derive(Debug, Default)]
struct Calls {
    table: Mutex<Table>,
    /// Told when the connection takes no more calls and none is left.
    idle: Notify,
}

#[derive(Debug, Default)]
struct Table {
    waiting: BTreeMap<u64, Waiting>,
    last: u64,
    end: Option<End>,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    /// The frame was taken to be written.
    sent: bool,
}

impl Calls {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, answer: oneshot::Sender<Result<Vec<u8>, Failure>>) -> Result<u64, Reason> {
        let mut table = self.table();
        if let Some(end) = &table.end {
            return Err(Reason::Ended(end.reason.clone()));
        }
        if table.waiting.len() >= CALLS_IN_FLIGHT_MAX {
            return Err(busy());
        }
        table.last += 1;
        let id = table.last;
        table.waiting.insert(id, Waiting { answer, sent: false });
        Ok(id)
    }

    /// Whether the call still wants its frame written; if so, it counts as sent from now on.
    fn send(&self, id: u64) -> bool {
        let mut table = self.table();
        let Some(waiting) = table.waiting.get_mut(&id) else { return false };
        waiting.sent = true;
        true
    }

    fn forget(&self, id: u64) -> Option<Waiting> {
        let mut table = self.table();
        let waiting = table.waiting.remove(&id);
        if table.end.is_some() && table.waiting.is_empty() {
            self.idle.notify_one();
        }
        waiting
    }

    /// Takes no more calls; those that are there go on.
    fn drain(&self, reason: &str) {
        let mut table = self.table();
        table.end.get_or_insert(End { broken: false, reason: reason.to_owned() });
        if table.waiting.is_empty() {
            self.idle.notify_one();
        }
    }

    /// Takes no more calls, and ends those that are there.
    fn finish(&self, end: End) {
        let mut table = self.table();
        let waiting = std::mem::take(&mut table.waiting);
        for (_, call) in waiting {
            let reason = Reason::Ended(end.reason.clone());
            let failure = if call.sent { Failure::Lost(reason) } else { Failure::NotSent(reason) };
            call.answer.send(Err(failure)).ok();
        }
        table.end = Some(end);
    }
}

fn busy() -> Reason {
    Reason::Busy { what: "calls in flight on the connection", limit: CALLS_IN_FLIGHT_MAX }
}

/// A call in the table; it leaves with its caller.
struct Call<'a> {
    calls: &'a Calls,
    id: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.forget(self.id);
    }
}

struct Request {
    calls: Arc<Calls>,
    frame: Option<Frame>,
}

impl Outgoing for Request {
    fn frame(&mut self) -> Option<Frame> {
        self.frame.take().filter(|frame| self.calls.send(frame.id))
    }
}

async fn run(
    calls: Arc<Calls>,
    connection: Established,
    mut requests: mpsc::Receiver<Request>,
    keep_alive: Duration,
    traffic: Arc<Traffic>,
) {
    let Established { reader, writer } = connection;
    let mut listening = Listening::new(reader, keep_alive);
    let mut writing = FrameWriter::new(writer, traffic.clone());
    let end = tokio::select! {
        biased;
        end = read(&calls, &mut listening) => end,
        written = writing.run(&mut requests, keep_alive) => End {
            broken: true,
            reason: match written {
                Ok(()) => "it is not used any more".to_owned(),
                Err(error) => format!("writing: {error}"),
            },
        },
        () = calls.idle.notified() => {
            let reason = "the peer is shutting down".to_owned();
            calls.table().end.clone().unwrap_or(End { broken: false, reason })
        }
    };
    if end.broken {
        traffic.failed();
    }
    calls.finish(end);
}

async fn read<R: tokio::io::AsyncRead + Unpin>(calls: &Calls, listening: &mut Listening<R>) -> End {
    loop {
        let frame = match listening.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return End { broken: true, reason: "the peer closed it".to_owned() },
            Err(error) => return End { broken: true, reason: error.to_string() },
        };
        let answer = match frame.kind {
            Kind::Answer => Ok(frame.body),
            Kind::Fault => {
                let message = text(&frame.body, Fault::MESSAGE_MAX);
                Err(Failure::Fault(Fault { code: frame.code, message }))
            }
            Kind::Decline => {
                let reason = text(&frame.body, Fault::MESSAGE_MAX);
                Err(Failure::NotSent(Reason::Declined(reason)))
            }
            Kind::GoAway => {
                calls.drain("the peer is shutting down");
                continue;
            }
            kind => {
                return End { broken: true, reason: FrameError::Unexpected(kind).to_string() };
            }
        };
        // Nobody waits for an answer that comes after its deadline.
        if let Some(waiting) = calls.forget(frame.id) {
            waiting.answer.send(answer).ok();
        }
    }
}
