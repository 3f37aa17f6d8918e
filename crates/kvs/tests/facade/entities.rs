//! Feeds, sorted sets, leaderboards and directories under many tasks.

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use kvs::{CallOptions, Eid, Error, Kvs};

const TASKS: u64 = 8;
const EACH: u64 = 200;

/// Runs `task` on as many tasks as there are, and gives all answers.
#[expect(clippy::disallowed_methods, reason = "tasks of an application, outside the seams")]
async fn on_many_tasks<T, F>(task: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (0..TASKS).map(|n| tokio::spawn(task(n)));
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adds_from_many_tasks_are_applied_one_at_a_time() {
    let kvs = Kvs::memory();
    let numbers = on_many_tasks(|task| {
        let feed = kvs.feed::<(u64, u64)>("f");
        async move {
            let mut eids = Vec::new();
            for n in 0..EACH {
                eids.push(feed.add(&(task, n)).await.unwrap());
            }
            eids
        }
    });
    let mut numbers: Vec<Eid> = numbers.await.concat();
    numbers.sort();
    assert_eq!(numbers, (1..=TASKS * EACH).map(Eid).collect::<Vec<_>>());

    let entries: Vec<_> = kvs.feed::<(u64, u64)>("f").all(None).try_collect().await.unwrap();
    assert_eq!(entries.len() as u64, TASKS * EACH);
    for task in 0..TASKS {
        let own: Vec<u64> =
            entries.iter().rev().filter(|e| e.value.0 == task).map(|e| e.value.1).collect();
        assert_eq!(own, (0..EACH).collect::<Vec<_>>(), "each task's adds are in its order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leaderboard_loses_no_addition() {
    let kvs = Kvs::memory();
    on_many_tasks(|_| {
        let board = kvs.leaderboard::<u64>("b");
        async move {
            for n in 0..EACH {
                board.add(&(n % 10), 1.0).await.unwrap();
            }
        }
    })
    .await;
    let total = (TASKS * EACH / 10) as f64;
    let lines: Vec<_> = kvs.leaderboard::<u64>("b").standings().try_collect().await.unwrap();
    assert!(lines.iter().all(|line| line.score == total), "{lines:?}");
    assert_eq!(
        lines.iter().map(|line| line.rank).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_inserts_of_one_element_one_is_the_first() {
    let kvs = Kvs::memory();
    let first = on_many_tasks(|_| {
        let set = kvs.sorted::<String>("s");
        async move { set.insert(&"x".to_owned()).await.unwrap() }
    });
    assert_eq!(first.await.into_iter().filter(|first| *first).count(), 1);
}

#[tokio::test]
async fn a_repeated_command_is_applied_once() {
    let kvs = Kvs::memory();
    let once = CallOptions::default().command(kvs.command_id());
    for _ in 0..3 {
        let feed = kvs.feed::<u8>("f").with(once.clone());
        assert_eq!(feed.add(&7).await.unwrap(), Eid(1));
        let board = kvs.leaderboard::<u8>("b").with(once.clone());
        assert_eq!(board.add(&1, 5.0).await.unwrap(), 5.0);
    }
    assert_eq!(kvs.feed::<u8>("f").len().await.unwrap(), 1);
}

#[tokio::test]
async fn a_handle_of_another_type_is_refused() {
    let kvs = Kvs::memory();
    kvs.feed::<u8>("feed").add(&1).await.unwrap();
    kvs.sorted::<u8>("sorted").insert(&1).await.unwrap();
    kvs.leaderboard::<u8>("leaderboard").set(&1, 1.0).await.unwrap();
    kvs.files("directory").create("f").await.unwrap();

    for name in ["feed", "sorted", "leaderboard", "directory"] {
        assert_eq!(kvs.type_of(name).await.unwrap().as_deref(), Some(name));
        let results = [
            ("feed", kvs.feed::<u8>(name).len().await.map(drop).map_err(Error::from)),
            ("feed", kvs.feed::<u8>(name).clear().await.map(drop).map_err(Error::from)),
            ("sorted", kvs.sorted::<u8>(name).contains(&1).await.map(drop).map_err(Error::from)),
            (
                "sorted",
                kvs.sorted::<u8>(name)
                    .flatten()
                    .next()
                    .await
                    .unwrap_or(Ok(0))
                    .map(drop)
                    .map_err(Error::from),
            ),
            (
                "leaderboard",
                kvs.leaderboard::<u8>(name).rank(&1).await.map(drop).map_err(Error::from),
            ),
            (
                "leaderboard",
                kvs.leaderboard::<u8>(name).add(&1, 0.0).await.map(drop).map_err(Error::from),
            ),
            ("register", kvs.increment(name, 1).await.map(drop)),
            ("register", kvs.compare_and_set(name, None, Some(&7_u8)).await.map(drop)),
            ("directory", kvs.files(name).stat("f").await.map(drop).map_err(Error::from)),
            (
                "directory",
                kvs.files(name).append_bytes("f", b"").await.map(drop).map_err(Error::from),
            ),
        ];
        for (kind, result) in results {
            if kind == name && kind != "feed" {
                result.unwrap();
            } else if kind != name {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(&format!("is a {name}, not a {kind}")), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_register_loses_no_change() {
    let kvs = Kvs::memory();
    on_many_tasks(|task| {
        let kvs = kvs.clone();
        async move {
            for _ in 0..EACH {
                kvs.increment("count", 1).await.unwrap();
                let swapped = kvs.register::<u64>("swapped");
                loop {
                    let found = swapped.get().await.unwrap();
                    let next = found.unwrap_or_default() + task;
                    if kvs.compare_and_set("swapped", found.as_ref(), Some(&next)).await.unwrap() {
                        break;
                    }
                }
            }
        }
    })
    .await;
    let count = kvs.register::<i64>("count").get().await.unwrap();
    assert_eq!(count, Some((TASKS * EACH) as i64));
    let sum = kvs.register::<u64>("swapped").get().await.unwrap();
    assert_eq!(sum, Some(EACH * (0..TASKS).sum::<u64>()));
}

#[tokio::test]
async fn a_command_id_of_another_command_is_refused() {
    let kvs = Kvs::memory();
    let once = CallOptions::default().command(kvs.command_id());
    let feed = || kvs.feed::<u8>("f").with(once.clone());
    assert_eq!(feed().add(&7).await.unwrap(), Eid(1));
    let error = feed().add(&8).await.unwrap_err().to_string();
    assert!(error.contains("was another command before"), "{error}");
    assert_eq!(feed().len().await.unwrap(), 1);
}
