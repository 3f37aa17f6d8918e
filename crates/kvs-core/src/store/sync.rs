//! When writes reach the disk for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::engine::{Engine, EngineError, Wait};
use crate::error::{DbaError, Result};

/// When an acknowledged write is safe from what.
///
/// | | safe when the process dies | safe when power is lost |
/// |---|---|---|
/// | `Always` | yes | yes: synced before it is acknowledged |
/// | `Interval` | yes | after at most a second |
/// | `Os` | yes | when the operating system gets to it |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Sync each write before it is acknowledged.
    Always,
    /// Sync once a second.
    #[default]
    Interval,
    /// Leave it to the operating system.
    Os,
}

const INTERVAL: Duration = Duration::from_secs(1);

/// Whether a sync has ever failed: what the disk refused once can't be promised by asking again (the
/// page cache may have dropped it), so writes end there.
#[derive(Default)]
pub(super) struct Failure(OnceLock<String>);

impl Failure {
    /// Refuses writes once a sync has failed.
    pub(super) fn check(&self) -> Result<()> {
        match self.reason() {
            None => Ok(()),
            Some(reason) => Err(DbaError::Poisoned { reason: reason.to_owned() }),
        }
    }

    /// What the first sync that failed said.
    pub(super) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// From here on nothing is written any more.
    pub(super) fn set(&self, engine: &dyn Engine, error: EngineError) {
        let reason = match error {
            EngineError::Failed { source, .. } => source.to_string(),
            EngineError::WouldBlock => "the engine would not wait".to_owned(),
        };
        tracing::error!(engine = engine.name(), %reason, "sync failed; writes are refused");
        let _ = self.0.set(reason);
    }
}

/// Syncs an engine once a second.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    dirty: AtomicBool,
    failure: Arc<Failure>,
    stop: Mutex<bool>,
    wake: Condvar,
}

impl Syncer {
    pub(super) fn start(
        engine: Arc<dyn Engine>,
        durability: Durability,
        failure: Arc<Failure>,
    ) -> Self {
        let shared = Arc::new(Shared {
            dirty: AtomicBool::new(false),
            failure,
            stop: Mutex::new(false),
            wake: Condvar::new(),
        });
        let thread = (durability == Durability::Interval && engine.folder().is_some())
            .then(|| {
                let shared = shared.clone();
                let name = format!("{}-sync", engine.name());
                std::thread::Builder::new().name(name).spawn(move || shared.run(&*engine)).ok()
            })
            .flatten();
        Self { shared, thread }
    }

    /// Tells that there is something to sync.
    pub(super) fn written(&self) {
        self.shared.dirty.store(true, Ordering::Release);
    }
}

impl Shared {
    fn run(&self, engine: &dyn Engine) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.dirty.swap(false, Ordering::AcqRel)
                && let Err(error) = engine.sync(Wait::Allowed)
            {
                self.failure.set(engine, error);
                return;
            }
            if *stop {
                return;
            }
            let woken = self.wake.wait_timeout(stop, INTERVAL);
            stop = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
