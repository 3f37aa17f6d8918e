//! The runtime that the consensus runs on, through our seams.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::{self, Random, SystemRandom};
use openraft::async_runtime::AsyncOneshotSendExt;
use openraft::{AsyncRuntime, OptionalSend, TokioInstant};
use rand_core::{Error, RngCore};
use tokio::sync::oneshot;

/// Tokio, with tasks and random numbers from `kvs_core::env`. Timers are tokio's own, which a
/// simulation pauses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SeamRuntime;

thread_local! {
    static RANDOM: RefCell<Option<Arc<dyn Random>>> = const { RefCell::new(None) };
}

impl SeamRuntime {
    /// Makes `random` the source for what is started next on this thread.
    ///
    /// `openraft` asks for random numbers through a function without arguments, and it asks once: for
    /// the election timeout of a node, before the future that starts the node first yields. So it is
    /// enough to call this right before polling that future, and each node draws from its own source.
    pub(crate) fn draw_from(random: Arc<dyn Random>) {
        RANDOM.set(Some(random));
    }
}

impl AsyncRuntime for SeamRuntime {
    type JoinError = tokio::task::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = tokio::task::JoinHandle<T>;
    type Sleep = tokio::time::Sleep;
    type Instant = TokioInstant;
    type TimeoutError = tokio::time::error::Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = tokio::time::Timeout<T>;
    type ThreadLocalRng = SeamRng;
    type OneshotSender<T: OptionalSend> = SeamSender<T>;
    type OneshotReceiver<T: OptionalSend> = oneshot::Receiver<T>;
    type OneshotReceiverError = oneshot::error::RecvError;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        env::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        tokio::time::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        tokio::time::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        tokio::time::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        tokio::time::timeout_at(deadline, future)
    }

    fn is_panic(error: &Self::JoinError) -> bool {
        error.is_panic()
    }

    fn thread_rng() -> SeamRng {
        SeamRng(
            RANDOM.with_borrow(|random| random.clone()).unwrap_or_else(|| Arc::new(SystemRandom)),
        )
    }

    fn oneshot<T: OptionalSend>() -> (Self::OneshotSender<T>, Self::OneshotReceiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (SeamSender(sender), receiver)
    }
}

/// A source of `kvs_core` as `openraft` wants it.
pub(crate) struct SeamRng(Arc<dyn Random>);

impl RngCore for SeamRng {
    #[expect(clippy::cast_possible_truncation, reason = "any half of random bits is random")]
    fn next_u32(&mut self) -> u32 {
        self.0.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// The sending half of a channel for one value.
pub(crate) struct SeamSender<T>(oneshot::Sender<T>);

impl<T: OptionalSend> AsyncOneshotSendExt<T> for SeamSender<T> {
    fn send(self, value: T) -> Result<(), T> {
        self.0.send(value)
    }
}

impl<T> fmt::Debug for SeamSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeamSender")
    }
}

#[cfg(test)]
mod tests {
    use kvs_core::env::SeededRandom;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = || {
            SeamRuntime::draw_from(Arc::new(SeededRandom::new(7)));
            let mut rng = SeamRuntime::thread_rng();
            (rng.next_u64(), rng.next_u32())
        };
        assert_eq!(draw(), draw());
    }
}
