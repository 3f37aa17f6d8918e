//! One command of an entity at a time, in the order they came; different entities don't wait.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use kvs_core::entity::{self, LocalEntities};
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Key, Outcome};
use tokio::sync::oneshot;

use crate::counter::{self, in_threads};

const COMMANDS: u64 = 50;

#[test]
fn commands_run_one_at_a_time() {
    let entities = counter::in_memory();
    let threads = 8;
    in_threads(threads, async |thread| {
        let mut before = None;
        for n in 0..COMMANDS {
            let number = thread * COMMANDS + n;
            let seen = counter::add(&entities, "one", number, &CallOptions::default()).await;
            let seen = Some(seen.unwrap());
            assert!(before < seen, "the commands of one caller run in its order");
            before = seen;
        }
    });
    in_threads(1, async |_| {
        let count = counter::value(&*entities.rows(), "one").await.unwrap();
        assert_eq!(count, threads * COMMANDS);
        let seen = counter::seen(&entities, "one").await;
        let mut seen: Vec<u64> = seen.into_iter().map(|(_, before)| before).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..count), "two commands saw the same value");
    });
}

#[test]
fn no_two_commands_overlap() {
    let entities = counter::in_memory();
    let is_running = AtomicBool::new(false);
    let options = CallOptions::default();
    in_threads(8, async |_| {
        for _ in 0..COMMANDS {
            let command = entity::run(&entities, *b"one", &options, |_| async {
                assert!(!is_running.swap(true, Ordering::SeqCst), "two commands run at once");
                tokio::task::yield_now().await;
                is_running.store(false, Ordering::SeqCst);
                Ok::<_, DbaError>(())
            });
            command.await.unwrap();
        }
    });
}

#[tokio::test]
async fn waiting_commands_run_in_the_order_they_came() {
    let entities = counter::in_memory();
    let options = CallOptions::default();
    let (release, released) = oneshot::channel::<()>();
    let ran = Mutex::new(Vec::new());
    let mut first = Box::pin(entity::run(&entities, *b"one", &options, |_| async {
        released.await.unwrap();
        Ok::<_, DbaError>(())
    }));
    assert!((&mut first).now_or_never().is_none());
    let mut waiting = Vec::new();
    for n in 0..10 {
        let (ran, entities, options) = (&ran, &entities, &options);
        waiting.push(Box::pin(entity::run(entities, *b"one", options, move |_| async move {
            ran.lock().unwrap().push(n);
            Ok::<_, DbaError>(())
        })));
        assert!(waiting.last_mut().unwrap().now_or_never().is_none());
    }
    release.send(()).unwrap();
    first.await.unwrap();
    // However they are asked: the last one first.
    waiting.reverse();
    for answer in futures_util::future::join_all(waiting).await {
        answer.unwrap();
    }
    assert_eq!(*ran.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn entities_do_not_wait_for_each_other() {
    let entities = counter::in_memory();
    let options = CallOptions::default();
    let (release, released) = oneshot::channel::<()>();
    let mut blocked = Box::pin(entity::run(&entities, *b"blocked", &options, |_| async {
        released.await.unwrap();
        Ok::<_, DbaError>(7)
    }));
    assert!((&mut blocked).now_or_never().is_none());
    for n in 0..10 {
        assert_eq!(counter::add(&entities, "free", n, &options).await.unwrap(), n);
        assert!((&mut blocked).now_or_never().is_none());
    }
    release.send(()).unwrap();
    assert_eq!(blocked.await.unwrap(), 7);
}

#[tokio::test]
async fn a_deadline_bounds_the_waiting() {
    let entities = counter::in_memory();
    let turn = entities.begin((*b"one").into(), &CallOptions::default()).await.unwrap();
    let hurry = CallOptions::default().deadline(Duration::from_millis(1));
    let late = counter::add(&entities, "one", 1, &hurry).await.unwrap_err();
    assert!(matches!(late, DbaError::Deadline { .. }), "{late}");
    assert_eq!((late.outcome(), late.is_retryable()), (Outcome::NotApplied, true));
    drop(turn);
    assert_eq!(counter::add(&entities, "one", 1, &CallOptions::default()).await.unwrap(), 0);
    assert_eq!(counter::seen(&entities, "one").await, [(1, 0)]);
}

/// A turn that nobody uses, a command that fails and one that panics let the next one in.
#[tokio::test]
async fn a_turn_ends_whatever_becomes_of_its_command() {
    let entities: LocalEntities = counter::in_memory();
    let options = CallOptions::default();
    drop(entities.begin((*b"one").into(), &options).await.unwrap());
    let fails = entity::run(&entities, *b"one", &options, |scope| async move {
        scope.put(&Key::new("one", counter::COUNT), vec![0xFF; 8]).await?;
        Err::<(), _>(DbaError::decode("command", "it fails"))
    });
    assert!(fails.await.is_err());
    let panics = entity::run(&entities, *b"one", &options, |_| async move {
        if true {
            panic!("it panics");
        }
        Ok::<_, DbaError>(())
    });
    let panics = AssertUnwindSafe(panics).catch_unwind().await;
    assert!(panics.is_err());
    assert_eq!(
        counter::add(&entities, "one", 0, &options).await.unwrap(),
        0,
        "nothing was written"
    );
}
