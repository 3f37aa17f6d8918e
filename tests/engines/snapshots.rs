//! Saving and loading all rows, from every engine into every other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use kvs_core::format::stored_key;
use kvs_core::{Batch, Dba, DbaError, Key, RowKind, Snapshot, StoredRow};
use kvs_tests::{Engine, payload};
use tempfile::tempdir;
use tokio::time::timeout;

use crate::contents;

/// What one engine saved, every other one takes in and holds.
async fn go_into_every_engine(engine: Engine) {
    let folder = tempdir().unwrap();
    let from = engine.open(folder.path()).unwrap();
    contents::fill(&from).await;
    let expected = contents::of(&from).await.unwrap();
    for other in Engine::ALL.into_iter().filter(|other| *other != engine) {
        let folder = tempdir().unwrap();
        let to = other.open(folder.path()).unwrap();
        let loaded = to.load(from.save()).await.unwrap();
        assert_eq!(loaded, expected.len() as u64, "{other:?}");
        assert!(contents::of(&to).await.unwrap() == expected, "{other:?}");

        // And back again, through the other engine, over what is there.
        assert_eq!(from.load(to.save()).await.unwrap(), loaded);
        assert!(contents::of(&from).await.unwrap() == expected, "back from {other:?}");
    }
}

/// A plain row replaces the row of its key, an entity the whole entity of its name; the rest stays.
async fn replace_what_they_name(engine: Engine) {
    let folders = (tempdir().unwrap(), tempdir().unwrap());
    let (from, to) =
        (engine.open(folders.0.path()).unwrap(), engine.open(folders.1.path()).unwrap());
    for (store, value, rows) in [(&from, "loaded", [1, 2]), (&to, "before", [2, 3])] {
        for n in rows {
            for kind in [RowKind::Plain, RowKind::Entity] {
                let batch = Batch::new().put([n], value).put([n + 10], value);
                store.rows(kind).write(b"both", batch.clone()).await.unwrap();
                store.rows(kind).write(&[n], batch).await.unwrap();
            }
        }
    }
    to.load(from.save()).await.unwrap();
    let has = async |kind, partition: &[u8], row: u8| {
        let found = to.rows(kind).get(&Key::new(partition, [row])).await.unwrap();
        found.map(|value| String::from_utf8(value).unwrap())
    };
    for (kind, row, expected) in [
        (RowKind::Plain, 1, Some("loaded")),
        (RowKind::Plain, 2, Some("loaded")),
        (RowKind::Plain, 3, Some("before")),
        (RowKind::Entity, 1, Some("loaded")),
        (RowKind::Entity, 2, Some("loaded")),
        (RowKind::Entity, 3, None),
    ] {
        assert_eq!(has(kind, b"both", row).await.as_deref(), expected, "{kind:?} {row}");
        assert_eq!(has(kind, b"both", row + 10).await.as_deref(), expected, "{kind:?} {row}");
    }
    // An entity that was not loaded is left alone.
    assert_eq!(has(RowKind::Entity, &[3], 3).await.as_deref(), Some("before"));
}

/// A snapshot is of one moment, while somebody writes.
async fn are_of_one_moment(engine: Engine) {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    let batch =
        |n: u64| (0..100_u8).fold(Batch::new(), |b, row| b.put([row], payload::of(n, 50_000)));
    store.rows(RowKind::Plain).write(b"p", batch(0)).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (rows, done) = (store.rows(RowKind::Plain), done.clone());
        let runtime = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            for n in 1.. {
                runtime.block_on(rows.write(b"p", batch(n))).unwrap();
                if done.load(Ordering::SeqCst) {
                    return;
                }
            }
        })
    };
    for _ in 0..5 {
        let rows = contents::of(&store).await.unwrap();
        assert_eq!(rows.len(), 100);
        assert!(rows.iter().all(|row| row.value == rows[0].value), "half of a batch was saved");
    }
    done.store(true, Ordering::SeqCst);
    writer.join().unwrap();
}

/// A reader that goes away in the middle leaves nothing behind that keeps the store open.
async fn may_be_left_unfinished(engine: Engine) {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    contents::fill(&store).await;
    let mut saving = store.save();
    assert!(!saving.next().await.unwrap().unwrap().is_empty());
    drop(saving);
    drop(store);
    // The thread that reads ends once it finds nobody listening.
    let reopened = async {
        loop {
            match engine.open(folder.path()) {
                Ok(store) => return store,
                Err(error) => assert!(error.to_string().contains("open elsewhere"), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let store = timeout(Duration::from_secs(60), reopened).await.expect("it stays open");
    contents::of(&store).await.unwrap();
}

/// Rows that no store could have saved are refused.
async fn are_checked(engine: Engine) {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    let key = stored_key::encode(RowKind::Plain, b"p", b"c");
    let row = |key: &[u8], value: &[u8]| StoredRow { key: key.to_vec(), value: value.to_vec() };
    let cases = [
        ("no envelope", row(&key, b"")),
        ("an unknown envelope", row(&key, b"\x09\x00value")),
        ("no key", row(b"", b"\x01\x00value")),
        ("an unknown kind", row(b"\x77p\x00\x01", b"\x01\x00value")),
        ("half of a key", row(b"\x01p", b"\x01\x00value")),
    ];
    for (name, row) in cases {
        let loaded = store.load(Box::pin(stream::iter([Ok(vec![row])]))).await;
        assert!(matches!(loaded, Err(DbaError::Decode { .. })), "{name}: {loaded:?}");
        assert_eq!(contents::of(&store).await.unwrap(), [], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_memory() {
    go_into_every_engine(Engine::Memory).await;
    replace_what_they_name(Engine::Memory).await;
    are_of_one_moment(Engine::Memory).await;
}

each_engine!(
    go_into_every_engine,
    replace_what_they_name,
    are_of_one_moment,
    may_be_left_unfinished,
    are_checked,
);
