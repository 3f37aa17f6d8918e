//! A lock for each name in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// How many locks that nobody uses are kept, so that names in steady use keep theirs.
const KEPT: usize = 1_024;

/// Locks by name: those that somebody holds or awaits, and at most 1,024 others.
#[derive(Default)]
pub struct Locks {
    table: Mutex<HashMap<Arc<[u8]>, Lock>>,
}

impl Locks {
    /// Waits for the lock of `name`; waiters are served in order.
    pub async fn lock(self: &Arc<Self>, name: &Arc<[u8]>) -> Held {
        let entry = Entry { locks: self.clone(), name: name.clone(), lock: self.entry(name) };
        let guard = entry.lock.clone().lock_owned().await;
        Held { _guard: guard, _entry: entry }
    }

    fn entry(&self, name: &Arc<[u8]>) -> Lock {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get(name) {
            Some(lock) => lock.clone(),
            None => table.entry(name.clone()).or_default().clone(),
        }
    }
}

/// A held lock; dropping it lets the next one in.
pub struct Held {
    // In this order: the guard's share of the lock goes before the entry looks who is left.
    _guard: OwnedMutexGuard<()>,
    _entry: Entry,
}

struct Entry {
    locks: Arc<Locks>,
    name: Arc<[u8]>,
    lock: Lock,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.locks.table.lock().unwrap_or_else(PoisonError::into_inner);
        // The table's share and ours: nobody else can get one while the table is locked.
        if table.len() > KEPT && Arc::strong_count(&self.lock) == 2 {
            table.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    fn name(number: usize) -> Arc<[u8]> {
        number.to_be_bytes().as_slice().into()
    }

    fn size(locks: &Locks) -> usize {
        locks.table.lock().unwrap().len()
    }

    #[tokio::test]
    async fn a_lock_lets_one_in_at_a_time() {
        let locks = Arc::new(Locks::default());
        let (one, two) = (name(1), name(2));
        for _ in 0..2 {
            let first = locks.lock(&one).await;
            let _other = locks.lock(&two).await;
            let mut second = Box::pin(locks.lock(&one));
            let polled = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            drop(first);
            drop(second.await);
        }
    }

    #[tokio::test]
    async fn locks_that_nobody_uses_take_bounded_memory() {
        let locks = Arc::new(Locks::default());
        let mut held = Vec::new();
        for number in 0..2 * KEPT {
            held.push(locks.lock(&name(number)).await);
        }
        assert_eq!(size(&locks), 2 * KEPT);
        held.truncate(1);
        assert_eq!(size(&locks), KEPT);
        for number in 0..2 * KEPT {
            if number > 0 {
                drop(locks.lock(&name(number)).await);
            }
            assert!(size(&locks) <= KEPT);
        }
    }
}
