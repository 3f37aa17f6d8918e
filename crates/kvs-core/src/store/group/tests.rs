//! Writers that wait for an engine whose syncs take as long as the test wants.

use std::path::Path;
use std::sync::Condvar;
use std::time::Duration;

use super::*;
use crate::engine::memory::Memory;
use crate::engine::{Visit, WriteSet};
use crate::env::Env;
use crate::scan::{Order, Range};
use crate::store::{Durability, Store};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);
const KEY: &[u8] = b"\x01a";

#[derive(Clone, Copy, Default)]
struct Syncs {
    begun: u64,
    /// How many may end.
    allowed: u64,
    ended: u64,
    fail: bool,
    panic: bool,
}

#[derive(Clone, Default)]
struct Slow {
    memory: Arc<Memory>,
    syncs: Arc<(Mutex<Syncs>, Condvar)>,
}

impl Slow {
    fn store(&self, durability: Durability) -> Store {
        Store::new(self.clone(), durability, Env::system())
    }

    fn syncs(&self) -> Syncs {
        *self.syncs.0.lock().unwrap()
    }

    fn set(&self, change: impl FnOnce(&mut Syncs)) {
        change(&mut self.syncs.0.lock().unwrap());
        self.syncs.1.notify_all();
    }

    async fn until(&self, holds: impl Fn(Syncs) -> bool) {
        let wait = async {
            while !holds(self.syncs()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }
}

impl Engine for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        self.memory.get(key, wait, found)
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        assert!(!sync, "a sync of its own");
        self.memory.write(writes, sync, wait)
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        self.memory.scan(range, order, wait, visit)
    }

    fn scan_all(&self, _: Visit<'_>) -> EngineResult<()> {
        Ok(())
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        let mut syncs = self.syncs.0.lock().unwrap();
        syncs.begun += 1;
        let mine = syncs.begun;
        syncs = self.syncs.1.wait_while(syncs, |syncs| syncs.allowed < mine).unwrap();
        syncs.ended += 1;
        let Syncs { fail, panic, .. } = *syncs;
        drop(syncs);
        assert!(!panic, "the engine is mad");
        if fail { Err(EngineError::write("the disk is silent")) } else { Ok(()) }
    }

    fn compact(&self) -> EngineResult<()> {
        Ok(())
    }
}

async fn write(store: &Store) {
    let mut writes = WriteSet::default();
    writes.stored(KEY, Some(b"value"));
    store.raw().write_unsynced(writes).await.unwrap();
}

/// Writes, and waits until that is synced.
#[expect(clippy::disallowed_methods, reason = "a test")]
async fn waiting(store: &Store) -> tokio::task::JoinHandle<Result<()>> {
    write(store).await;
    let raw = store.raw();
    tokio::spawn(async move { raw.synced().await })
}

#[tokio::test]
async fn those_who_wait_share_the_next_sync() {
    let slow = Slow::default();
    let store = slow.store(Durability::Always);
    let first = waiting(&store).await;
    slow.until(|syncs| syncs.begun == 1).await;
    // It is there, and not yet safe.
    assert!(store.raw().get(KEY.to_vec()).await.unwrap().is_some());
    let mut later = Vec::new();
    for _ in 0..20 {
        later.push(waiting(&store).await);
    }
    assert!(!first.is_finished());

    slow.set(|syncs| syncs.allowed = 1);
    first.await.unwrap().unwrap();
    // The sync that was under way says nothing of what was written meanwhile.
    slow.until(|syncs| syncs.begun == 2).await;
    assert!(later.iter().all(|wait| !wait.is_finished()));
    slow.set(|syncs| syncs.allowed = 2);
    for wait in later {
        wait.await.unwrap().unwrap();
    }
    // Nothing is left to do.
    store.raw().synced().await.unwrap();
    assert_eq!(slow.syncs().begun, 2);
    // And it begins again.
    slow.set(|syncs| syncs.allowed = u64::MAX);
    waiting(&store).await.await.unwrap().unwrap();
    assert_eq!(slow.syncs().begun, 3);
}

#[tokio::test]
async fn other_durabilities_wait_for_nothing() {
    for durability in [Durability::Interval, Durability::Os] {
        let slow = Slow::default();
        let store = slow.store(durability);
        waiting(&store).await.await.unwrap().unwrap();
        assert_eq!(slow.syncs().begun, 0);
        // Who wants it all the same waits also for what others wrote.
        slow.set(|syncs| syncs.allowed = 1);
        store.synced().raw().synced().await.unwrap();
        assert_eq!(slow.syncs().ended, 1);
    }
}

#[tokio::test]
async fn a_sync_that_fails_is_the_last() {
    for panic in [false, true] {
        let slow = Slow::default();
        let store = slow.store(Durability::Always);
        let first = waiting(&store).await;
        slow.until(|syncs| syncs.begun == 1).await;
        let second = waiting(&store).await;
        slow.set(|syncs| {
            (syncs.fail, syncs.panic, syncs.allowed) = (true, panic, u64::MAX);
        });
        for wait in [first, second] {
            let error = wait.await.unwrap().unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            let expected = if panic { "panicked" } else { "the disk is silent" };
            assert!(error.to_string().contains(expected), "{error}");
        }
        // Asking again makes nothing safe.
        slow.set(|syncs| (syncs.fail, syncs.panic) = (false, false));
        assert_eq!(store.raw().synced().await.unwrap_err().outcome(), Outcome::Unknown);
        let mut writes = WriteSet::default();
        writes.stored(KEY, Some(b"new"));
        let refused = store.raw().write_unsynced(writes).await.unwrap_err();
        assert!(matches!(refused, DbaError::Poisoned { .. }), "{refused}");
        assert_eq!(refused.outcome(), Outcome::NotApplied);
        assert_eq!(store.raw().get(KEY.to_vec()).await.unwrap().unwrap(), b"value");
        assert_eq!(slow.syncs().begun, 1);
    }
}

#[test]
fn it_works_without_a_runtime() {
    let slow = Slow::default();
    slow.set(|syncs| syncs.allowed = 1);
    let store = slow.store(Durability::Always);
    let done = async {
        write(&store).await;
        store.raw().synced().await
    };
    let mut done = std::pin::pin!(done);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(done.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(()))));
    assert_eq!(slow.syncs().ended, 1);
}
