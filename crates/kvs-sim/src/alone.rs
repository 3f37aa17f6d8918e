//! Makes every run begin as the first one does.
//!
//! `tokio` numbers the tasks of a process, and when a runtime ends it drops its tasks in an order that
//! depends on these numbers (by their remainder modulo the lists that it keeps them in). What nodes
//! send when they crash would thus depend on what ran before. So one simulation runs at a time, and
//! each begins with a task number of the same remainder.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A multiple of the number of lists in which a runtime on one thread keeps its tasks.
const LISTS: u64 = 1 << 10;

static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other simulation runs in this process, and keeps others from it until dropped.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    // A simulation that panicked left nothing behind that matters to another one.
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
        let number = || runtime.spawn(async {}).id().to_string().parse::<u64>();
        while number().is_ok_and(|number| number % LISTS != 0) {}
    }
    alone
}
