//! A lock for each name in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// Locks by name. A name takes memory while somebody holds or awaits its lock.
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
        if Arc::strong_count(&self.lock) == 2 {
            table.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_lock_nobody_uses_takes_no_memory() {
        let locks = Arc::new(Locks::default());
        let (name_a, name_b): (Arc<[u8]>, Arc<[u8]>) = (b"a".to_vec().into(), b"b".to_vec().into());
        let size = |locks: &Locks| locks.table.lock().unwrap().len();
        let (a, b) = (locks.lock(&name_a).await, locks.lock(&name_b).await);
        assert_eq!(size(&locks), 2);
        let mut waiting = Box::pin(locks.lock(&name_a));
        let polled = std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        drop(a);
        let a = waiting.await;
        assert_eq!(size(&locks), 2);
        drop((a, b));
        assert_eq!(size(&locks), 0);
    }
}
