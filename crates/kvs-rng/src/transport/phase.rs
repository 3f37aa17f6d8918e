//! How far a transport is on its way to its end, and what still holds it up.
//!
//! Not a `watch` channel of tokio: that wakes its waiters in random order, and a simulation could not
//! be replayed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How far a transport is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything is taken.
    #[default]
    Open,
    /// What was taken is finished; nothing new is taken.
    Draining,
    /// All connections are closed.
    Closed,
}

/// The phase, as its tasks see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Phases {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    phase: Mutex<Phase>,
    changed: Notify,
    tasks: TaskTracker,
}

impl Phases {
    pub(super) fn now(&self) -> Phase {
        *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to `phase`; never back.
    pub(super) fn advance(&self, phase: Phase) {
        {
            let mut now = self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner);
            *now = phase.max(*now);
        }
        self.shared.changed.notify_waiters();
    }

    /// Waits until the phase is `least` or a later one.
    pub(super) async fn reached(&self, least: Phase) {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if self.now() >= least {
                return;
            }
            changed.await;
        }
    }

    /// To be held by a task that the transport's end waits for.
    pub(super) fn task(&self) -> TaskTrackerToken {
        self.shared.tasks.token()
    }

    /// Waits until no task is left.
    pub(super) async fn finished(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

/// Ends the transport when it is dropped.
#[derive(Debug)]
pub(super) struct Ending(pub(super) Phases);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.advance(Phase::Closed);
    }
}
