//! What is particular to fjall: waiting, its files, its journal.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::engine::tests::{all, delete, get, put, write_set};

fn open(path: &Path) -> Result<Fjall> {
    Fjall::open(path, Tuning::default())
}

fn key(n: u32) -> Vec<u8> {
    [&[RowKind::Plain as u8], &n.to_be_bytes()[..]].concat()
}

/// A closed store of `rows` rows in tables, and one more in the journal.
fn closed(rows: u32) -> TempDir {
    let folder = tempdir().unwrap();
    let engine = open(folder.path()).unwrap();
    for n in 0..rows {
        put(&engine, &key(n), &[7; 1000]).unwrap();
    }
    engine.with(Wait::Allowed, |database| database.flush().map_err(EngineError::write)).unwrap();
    put(&engine, &key(rows), b"in the journal").unwrap();
    folder
}

#[test]
fn reads_are_answered_at_once_while_the_tables_fit_into_the_cache() {
    let folder = closed(100);
    for (cache_bytes, fits) in [(1 << 20, true), (10 << 10, false)] {
        let engine = Fjall::open(folder.path(), Tuning { cache_bytes, ..Tuning::default() });
        let engine = engine.unwrap();
        let everything = (std::ops::Bound::Included(key(0)), std::ops::Bound::Unbounded);
        let reads = [
            engine.get(&key(1), Wait::Never, &mut |_| {}),
            engine.scan(&everything, Order::Ascending, Wait::Never, &mut |_, _| {
                ControlFlow::Continue(())
            }),
        ];
        for read in reads {
            assert_eq!(read.is_ok(), fits, "{read:?}");
            assert!(fits || matches!(read, Err(EngineError::WouldBlock)));
        }
        assert_eq!(get(&engine, &key(1)).unwrap(), Some(vec![7; 1000]));
    }
}

#[test]
fn what_is_missing_is_refused_by_name() {
    let ids = 0..=RowKind::ALL.len();
    let files = ids.map(|id| format!("keyspaces/{id}/current"));
    for file in files.chain(["version".to_owned(), "0.jnl".to_owned(), "lock".to_owned()]) {
        let folder = closed(3);
        let path = folder.path().join("fjall").join(&file);
        fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            let error = open(folder.path()).err().expect(&file).to_string();
            let named = error.contains(&path.display().to_string());
            assert!(named || error.contains("journal") || file == "lock", "{error}");
        }
    }
}

#[test]
fn a_missing_table_is_refused() {
    let folder = closed(100);
    let tables = folder.path().join("fjall/keyspaces/1/tables");
    for table in fs::read_dir(tables).unwrap() {
        fs::remove_file(table.unwrap().path()).unwrap();
    }
    assert!(open(folder.path()).is_err());
}

/// Compacting leaves nothing in the journal, and what is written after that goes there.
#[test]
fn compacting_begins_the_journal_anew() {
    let folder = closed(100);
    let engine = open(folder.path()).unwrap();
    let journal = folder.path().join("fjall/0.jnl");
    assert!(fs::metadata(&journal).unwrap().len() > 100_000);
    for n in 0..50 {
        delete(&engine, &key(n)).unwrap();
    }
    engine.compact().unwrap();
    assert_eq!(fs::metadata(&journal).unwrap().len(), 0);
    put(&engine, &key(200), b"after").unwrap();
    assert!(fs::metadata(&journal).unwrap().len() > 0);
    let rows = all(&engine).unwrap();
    assert_eq!(rows.len(), 52);
    drop(engine);
    assert_eq!(all(&open(folder.path()).unwrap()).unwrap(), rows);
}

#[test]
fn compacting_leaves_the_journal_to_those_who_use_it() {
    let folder = closed(100);
    let engine = open(folder.path()).unwrap();
    let mut visited = 0;
    engine
        .scan_all(&mut |_, _| {
            if visited == 0 {
                engine.compact().unwrap();
            }
            visited += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(visited, 101);
    assert!(fs::metadata(folder.path().join("fjall/0.jnl")).unwrap().len() > 0);
}

/// Compacting closes the database for a moment; nobody sees that.
#[test]
fn compacting_disturbs_neither_readers_nor_writers() {
    let folder = closed(100);
    let engine = open(folder.path()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 1000;
            while !done.load(Ordering::SeqCst) {
                put(&engine, &key(n), &n.to_be_bytes()).unwrap();
                assert_eq!(get(&engine, &key(n)).unwrap(), Some(n.to_be_bytes().to_vec()));
                n += 1;
            }
            n
        });
        for _ in 0..20 {
            engine.compact().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let written = writer.join().unwrap() - 1000;
        assert_eq!(all(&engine).unwrap().len(), 101 + written as usize);
    });
}

/// Readers see all of a batch or nothing of it.
#[test]
fn batches_are_seen_whole() {
    let folder = tempdir().unwrap();
    let engine = open(folder.path()).unwrap();
    let batch =
        |value: u8| write_set(&(0..50).map(|n| (key(n), Some(vec![value]))).collect::<Vec<_>>());
    engine.write(&batch(0), false, Wait::Allowed).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for value in 1..=u8::MAX {
                engine.write(&batch(value), false, Wait::Allowed).unwrap();
            }
        });
        while !writer.is_finished() {
            let rows = all(&engine).unwrap();
            assert!(rows.iter().all(|(_, value)| *value == rows[0].1), "half of a batch");
            let first = get(&engine, &key(0)).unwrap();
            assert!(get(&engine, &key(49)).unwrap() >= first, "the batch was read in part before");
        }
    });
}
