//! Group commit: those who wait for the disk share its syncs.
//!
//! One sync is under way at a time. It covers what was written before it began; whoever writes
//! meanwhile waits for the next one, together with all others that did. So however many writers there
//! are, each waits for two syncs at most. (DeWitt et al., *Implementation Techniques for Main Memory
//! Database Systems*, 1984.)

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::sync::Failure;
use crate::engine::{Engine, EngineError, EngineResult, Wait};
use crate::env::in_background;
use crate::error::{DbaError, Outcome, Result};

/// The syncs of an engine that somebody waits for.
pub(super) struct GroupSync {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    failure: Arc<Failure>,
    /// How many writes were made without a sync of their own.
    written: AtomicU64,
    progress: watch::Sender<Progress>,
    /// Whether a thread is syncing; it ends only when nothing is left to sync.
    is_running: Mutex<bool>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    /// How many of the writes are synced.
    synced: u64,
    failed: bool,
}

impl GroupSync {
    pub(super) fn new(engine: Arc<dyn Engine>, failure: Arc<Failure>) -> Self {
        let shared = Shared {
            engine,
            failure,
            written: AtomicU64::new(0),
            progress: watch::Sender::default(),
            is_running: Mutex::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Tells that a write was made that is not synced.
    pub(super) fn written(&self) {
        self.shared.written.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until all writes so far are synced. If the future is dropped the sync goes on.
    pub(super) async fn wait(&self) -> Result<()> {
        let shared = &self.shared;
        let mine = shared.written.load(Ordering::Acquire);
        let is_decided = |progress: &Progress| progress.synced >= mine || progress.failed;
        let mut progress = shared.progress.subscribe();
        if !is_decided(&progress.borrow()) && shared.failure.reason().is_none() {
            let simulated = shared.engine.sync_time();
            if !simulated.is_zero() {
                tokio::time::sleep(simulated).await;
            }
            match shared.engine.sync(Wait::Never) {
                Err(EngineError::WouldBlock) => {
                    Shared::start(shared);
                    // It can't fail: the sender is in `shared`.
                    let _ = progress.wait_for(is_decided).await;
                }
                done => shared.finish(mine, done),
            }
        }
        if progress.borrow().synced >= mine {
            return Ok(());
        }
        Err(DbaError::Engine {
            operation: "sync",
            engine: shared.engine.name(),
            outcome: Outcome::Unknown,
            source: shared.failure.reason().unwrap_or("a sync failed").into(),
        })
    }
}

impl Shared {
    /// Sees to it that a sync begins after this call.
    fn start(this: &Arc<Self>) {
        let mut is_running = this.is_running();
        if !*is_running {
            *is_running = true;
            drop(is_running);
            let mut turn = Turn { shared: this.clone(), is_over: false };
            in_background(move || turn.run());
        }
    }

    fn is_running(&self) -> MutexGuard<'_, bool> {
        self.is_running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait how the sync of the first `upto` writes went.
    fn finish(&self, upto: u64, synced: EngineResult<()>) {
        match synced {
            Ok(()) => self.progress.send_modify(|it| it.synced = it.synced.max(upto)),
            Err(error) => {
                self.failure.set(&*self.engine, error);
                self.progress.send_modify(|it| it.failed = true);
            }
        }
    }
}

/// What the thread does that syncs.
struct Turn {
    shared: Arc<Shared>,
    is_over: bool,
}

impl Turn {
    fn run(&mut self) {
        let shared = self.shared.clone();
        while !self.is_over {
            let upto = shared.written.load(Ordering::Acquire);
            let synced = shared.engine.sync(Wait::Allowed);
            let is_synced = synced.is_ok();
            shared.finish(upto, synced);
            // Whoever writes from here on finds that nobody is running.
            let mut is_running = shared.is_running();
            self.is_over = !is_synced || shared.written.load(Ordering::Acquire) == upto;
            *is_running = !self.is_over;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if std::thread::panicking() {
            *self.shared.is_running() = false;
            self.shared.finish(0, Err(EngineError::write("the engine panicked")));
        } else {
            // The runtime ended before the turn began; others may wait for it.
            self.run();
        }
    }
}
