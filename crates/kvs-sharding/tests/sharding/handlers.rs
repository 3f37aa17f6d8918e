//! Handlers to test with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kvs_sharding::{Call, Failure, Handled, Handler};
use serde::{Deserialize, Serialize};
use tokio::sync::{Barrier, Semaphore};
use tokio::time::sleep;

pub(crate) const KEEP: Duration = Duration::from_secs(10);

/// Adds numbers up in memory, and counts its states.
#[derive(Clone, Default)]
pub(crate) struct Counting {
    dropped: Arc<AtomicUsize>,
}

pub(crate) struct Sum {
    sum: u64,
    dropped: Arc<AtomicUsize>,
}

impl Counting {
    /// How many states are gone.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Handler for Counting {
    type Message = u64;
    type Reply = u64;
    type State = Sum;

    async fn activate(&self, _entity: &[u8]) -> Sum {
        Sum { sum: 0, dropped: self.dropped.clone() }
    }

    async fn handle(&self, state: &mut Sum, message: u64, _call: &Call) -> Handled<u64> {
        state.sum += message;
        Handled::Now(state.sum)
    }

    fn keep(&self) -> Duration {
        KEEP
    }
}

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Do {
    /// Reply with how many messages this state has seen.
    Count,
    /// Reply with that many bytes.
    Large(usize),
    Panic,
    /// Never return.
    Hang,
    /// Wait for a permit, and let others do the same at once.
    AwaitPermit,
    /// Return, and then wait at the barrier.
    LaterAtBarrier,
    LaterPanic,
    LaterHang,
    NotApplied,
    NoMajority,
    Unknown,
    /// Reply with the command id.
    Command,
    /// Reply with the time left, in ms.
    Remaining,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Done {
    Count(usize),
    Bytes(Vec<u8>),
    Command(Option<[u8; 16]>),
    Ms(u64),
    Nothing,
}

/// Does what it is told.
#[derive(Clone)]
pub(crate) struct Obeying {
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) barrier: Arc<Barrier>,
    /// Messages that were begun, and those that were ended.
    pub(crate) begun: Arc<AtomicUsize>,
    pub(crate) ended: Arc<AtomicUsize>,
    /// Messages being handled, and the most there were at once.
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Default for Obeying {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            barrier: Arc::new(Barrier::new(3)),
            begun: Arc::default(),
            ended: Arc::default(),
            now: Arc::default(),
            most: Arc::default(),
        }
    }
}

impl Obeying {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    /// The most messages that were handled at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Waits until that many messages have begun.
    pub(crate) async fn until_begun(&self, count: usize) {
        while self.begun() < count {
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn obey(&self, seen: usize, message: Do, call: &Call) -> Handled<Done> {
        let reason = || "so it was told".to_owned();
        match message {
            Do::Count => Handled::Now(Done::Count(seen)),
            Do::Large(bytes) => Handled::Now(Done::Bytes(vec![0; bytes])),
            Do::Panic => panic!("it was told to"),
            Do::Hang => std::future::pending().await,
            Do::AwaitPermit => {
                self.permits.acquire().await.unwrap().forget();
                Handled::Now(Done::Nothing)
            }
            Do::LaterAtBarrier => {
                let barrier = self.barrier.clone();
                Handled::Later(Box::pin(async move {
                    barrier.wait().await;
                    Ok(Done::Nothing)
                }))
            }
            Do::LaterPanic => Handled::Later(Box::pin(async { panic!("later") })),
            Do::LaterHang => Handled::Later(Box::pin(std::future::pending())),
            Do::NotApplied => Handled::Failed(Failure::NotApplied { reason: reason() }),
            Do::NoMajority => Handled::Failed(Failure::NoMajority { reason: reason() }),
            Do::Unknown => {
                let failure = Failure::Unknown { reason: reason() };
                Handled::Later(Box::pin(async { Err(failure) }))
            }
            Do::Command => {
                Handled::Now(Done::Command(call.command().map(|command| *command.as_bytes())))
            }
            Do::Remaining => {
                Handled::Now(Done::Ms(u64::try_from(call.remaining().as_millis()).unwrap()))
            }
        }
    }
}

/// Counts a message as one being handled.
struct Handling(Arc<AtomicUsize>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Handler for Obeying {
    type Message = Do;
    type Reply = Done;
    type State = usize;

    async fn activate(&self, entity: &[u8]) -> usize {
        assert_ne!(entity, b"never", "this one can't be activated");
        0
    }

    async fn handle(&self, state: &mut usize, message: Do, call: &Call) -> Handled<Done> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let _handling = Handling(self.now.clone());
        *state += 1;
        let handled = self.obey(*state, message, call).await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        handled
    }
}
