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
use super::frame::{FRAME_MAX, Frame, FrameError, Kind};
use super::handshake::{Peer, text};
use super::service::Fault;

/// Most calls in flight on one connection; more are refused as busy.
pub const CALLS_IN_FLIGHT_MAX: usize = 4096;
/// Most bytes of requests that wait to be written to one connection; more are refused as busy.
pub const UNSENT_BYTES_MAX: usize = 4 * FRAME_MAX;

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
        let id = self.calls.begin(answer, method, body).map_err(Failure::NotSent)?;
        let call = Call { calls: &self.calls, id };
        if self.queue.try_send(Request { calls: self.calls.clone(), id }).is_err() {
            return Err(Failure::NotSent(busy()));
        }
        match timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            // The table was dropped with the call in it; it can't be said how far it came.
            Ok(Err(_)) => Err(Failure::Lost(Reason::Ended("it was dropped".to_owned()))),
            Err(_) => match call.calls.forget(id) {
                Some(Waiting { unsent: Some(_), .. }) => {
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
    /// Bytes of the requests that were not written yet.
    unsent: usize,
    last: u64,
    end: Option<End>,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    /// The request, until it is taken to be written. It is kept here, and not in the queue, so that
    /// it goes with a caller that gives up.
    unsent: Option<Unsent>,
}

#[derive(Debug)]
struct Unsent {
    method: u16,
    body: Vec<u8>,
}

impl Calls {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(
        &self,
        answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
        method: u16,
        body: Vec<u8>,
    ) -> Result<u64, Reason> {
        let mut table = self.table();
        if let Some(end) = &table.end {
            return Err(Reason::Ended(end.reason.clone()));
        }
        if table.waiting.len() >= CALLS_IN_FLIGHT_MAX {
            return Err(busy());
        }
        if table.unsent + body.len() > UNSENT_BYTES_MAX {
            let what = "bytes of requests that wait to be written";
            return Err(Reason::Busy { what, limit: UNSENT_BYTES_MAX });
        }
        table.unsent += body.len();
        table.last += 1;
        let id = table.last;
        table.waiting.insert(id, Waiting { answer, unsent: Some(Unsent { method, body }) });
        Ok(id)
    }

    /// The request of a call that still wants it written; the call counts as sent from now on.
    fn take(&self, id: u64) -> Option<Frame> {
        let mut table = self.table();
        let Unsent { method, body } = table.waiting.get_mut(&id)?.unsent.take()?;
        table.unsent -= body.len();
        Some(Frame { kind: Kind::Request, id, code: method, body })
    }

    fn forget(&self, id: u64) -> Option<Waiting> {
        let mut table = self.table();
        let waiting = table.waiting.remove(&id);
        if let Some(Waiting { unsent: Some(unsent), .. }) = &waiting {
            table.unsent -= unsent.body.len();
        }
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
        table.unsent = 0;
        for (_, call) in waiting {
            let reason = Reason::Ended(end.reason.clone());
            let failure = match call.unsent {
                Some(_) => Failure::NotSent(reason),
                None => Failure::Lost(reason),
            };
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

/// A place in the queue.
struct Request {
    calls: Arc<Calls>,
    id: u64,
}

impl Outgoing for Request {
    fn frame(&mut self) -> Option<Frame> {
        self.calls.take(self.id)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(calls: &Calls, size: usize) -> Result<u64, Reason> {
        calls.begin(oneshot::channel().0, 1, vec![0; size])
    }

    #[test]
    fn requests_that_wait_are_bounded_and_go_with_their_callers() {
        let calls = Calls::default();
        let ids: Vec<_> = (0..4).map(|_| begin(&calls, FRAME_MAX).unwrap()).collect();
        assert!(matches!(begin(&calls, 1), Err(Reason::Busy { limit: UNSENT_BYTES_MAX, .. })));
        // One is written, and one given up.
        assert_eq!(calls.take(ids[0]).unwrap().body.len(), FRAME_MAX);
        assert!(calls.take(ids[0]).is_none());
        calls.forget(ids[1]);
        assert!(calls.take(ids[1]).is_none());
        assert_eq!(calls.table().unsent, 2 * FRAME_MAX);
        // An answered call leaves nothing either.
        calls.forget(ids[0]);
        calls.finish(End { broken: true, reason: String::new() });
        assert_eq!(calls.table().unsent, 0);
        assert!(calls.table().waiting.is_empty());
        assert!(matches!(begin(&calls, 1), Err(Reason::Ended(_))));
    }

    #[test]
    fn the_end_tells_sent_and_unsent_calls_apart() {
        let calls = Calls::default();
        let (sent, mut sent_end) = oneshot::channel();
        let (unsent, mut unsent_end) = oneshot::channel();
        let id = calls.begin(sent, 1, vec![]).unwrap();
        calls.begin(unsent, 1, vec![]).unwrap();
        calls.take(id).unwrap();
        calls.finish(End { broken: true, reason: String::new() });
        assert!(matches!(sent_end.try_recv().unwrap(), Err(Failure::Lost(_))));
        assert!(matches!(unsent_end.try_recv().unwrap(), Err(Failure::NotSent(_))));
    }
}
