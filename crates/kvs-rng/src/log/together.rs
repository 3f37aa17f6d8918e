//! Many steps at once: what they want written and sent goes together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::driver::Driver;

/// How many batches of steps are under way.
///
/// Without it the first step of a batch would start the writer, and a request, with what it wants alone,
/// and all others would share the second.
#[derive(Default)]
pub(super) struct Together(AtomicUsize);

impl Together {
    /// Whether what comes up waits for the end of a batch.
    pub(super) fn is_under_way(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Driver {
    /// Runs `steps`, and then has written and sent what they want.
    pub(super) fn together(self: &Arc<Self>, steps: impl FnOnce()) {
        self.together.0.fetch_add(1, Ordering::SeqCst);
        let _end = End(self);
        steps();
    }
}

/// The end of a batch, also if a step panics.
struct End<'a>(&'a Arc<Driver>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let Self(driver) = self;
        driver.together.0.fetch_sub(1, Ordering::SeqCst);
        driver.queue.start(driver);
        driver.outbox.start(driver);
    }
}
