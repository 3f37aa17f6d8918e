//! Callers that wait for room.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::Cause;

/// A line of callers for each entity, or each node, that messages go to: so many are let through at a
/// time, the others wait in order. This is what pushes back on the callers.
///
/// A line takes memory while somebody stands in it.
pub(crate) struct Lines<K: Ord> {
    table: Mutex<BTreeMap<K, Arc<Semaphore>>>,
    /// How many are let through at a time.
    width: usize,
}

impl<K: Ord + Clone> Lines<K> {
    pub(crate) fn new(width: usize) -> Self {
        Self { table: Mutex::default(), width }
    }

    /// Waits until one may go on, at most until `deadline`.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        to: &K,
        deadline: Instant,
    ) -> Result<Passed<K>, Cause> {
        let place = Place { lines: self.clone(), to: to.clone(), line: self.line(to) };
        let permit = match place.line.clone().try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_none_left) => {
                // The semaphore is never closed, so that an error is the end of the time.
                let permit = timeout_at(deadline, place.line.clone().acquire_owned()).await;
                permit.ok().and_then(Result::ok).ok_or(())
            }
        };
        let permit = permit.map_err(|()| Cause::Busy {
            reason: format!(
                "{} messages of this node were before it until its deadline",
                self.width
            ),
        })?;
        Ok(Passed { _permit: permit, _place: place })
    }

    fn line(&self, to: &K) -> Arc<Semaphore> {
        let mut table = self.table();
        table.entry(to.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.width))).clone()
    }
}

impl<K: Ord> Lines<K> {
    fn table(&self) -> MutexGuard<'_, BTreeMap<K, Arc<Semaphore>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have one message under way.
pub(crate) struct Passed<K: Ord> {
    // In this order: the permit's share of the line goes before the place looks who is left.
    _permit: OwnedSemaphorePermit,
    _place: Place<K>,
}

struct Place<K: Ord> {
    lines: Arc<Lines<K>>,
    to: K,
    line: Arc<Semaphore>,
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut table = self.lines.table();
        // The table's share and ours: nobody else can get one while the table is locked.
        if Arc::strong_count(&self.line) == 2 {
            table.remove(&self.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_lets_so_many_through_and_leaves_nothing_behind() {
        let lines = Arc::new(Lines::new(2));
        let id: Arc<[u8]> = Arc::from(*b"a");
        let soon = || Instant::now() + Duration::from_millis(10);
        let first = lines.enter(&id, soon()).await.unwrap();
        let _second = lines.enter(&id, soon()).await.unwrap();
        assert!(matches!(lines.enter(&id, soon()).await, Err(Cause::Busy { .. })));
        let other: Arc<[u8]> = Arc::from(*b"b");
        assert!(lines.enter(&other, soon()).await.is_ok());
        drop(first);
        let third = lines.enter(&id, soon()).await.unwrap();
        assert_eq!(lines.table().len(), 1);
        drop((_second, third));
        assert_eq!(lines.table().len(), 0);
    }
}
