//! Files that were altered: what can still be read is right, and the rest is an error.

use std::fs;
use std::path::{Path, PathBuf};

use kvs_core::env::Env;
use kvs_core::{Compact, Dba, Durability, Key, Result, RowKind, Scan, Store};
use kvs_tests::{Engine, payload};
use tempfile::{TempDir, tempdir};

const ROWS: u64 = 300;

/// What happens to the bytes of a file, and its name.
type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 6] = [
    ("a bit in the middle", |bytes| flip(bytes, 1, 2, 1)),
    ("a run in the middle", |bytes| flip(bytes, 1, 2, 200)),
    ("near the start", |bytes| flip(bytes, 1, 50, 8)),
    ("near the end", |bytes| flip(bytes, 49, 50, 8)),
    ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
    ("cut to nothing", Vec::clear),
];

/// Inverts a bit of each of `count` bytes, from `numerator / denominator` of the way on.
fn flip(bytes: &mut [u8], numerator: usize, denominator: usize, count: usize) {
    let at = bytes.len() * numerator / denominator;
    bytes.iter_mut().skip(at).take(count).for_each(|byte| *byte ^= 0x10);
}

/// Rows that were compacted into the engine's own files are all there, or something is said.
async fn of_data_is_noticed(engine: Engine) {
    let mut noticed = 0;
    for (damage, store) in damaged(engine, true).await {
        match read(store).await {
            Ok(rows) => assert_eq!(rows, ROWS, "{damage}: rows are missing and nobody says so"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > 0, "the damage was nowhere near the data");
}

/// Of rows that are still in a log those after the damage may be gone, as after the loss of power;
/// none is wrong.
async fn of_a_log_alters_no_row(engine: Engine) {
    for (_, store) in damaged(engine, false).await {
        // What it found is checked; an error is an answer as well.
        let _ = read(store).await;
    }
}

/// Opens stores whose largest data file was damaged, in each way.
async fn damaged(
    engine: Engine,
    compacted: bool,
) -> impl Iterator<Item = (&'static str, Result<Damaged>)> {
    let original = tempdir().unwrap();
    let store = engine.open(original.path()).unwrap();
    let rows = store.rows(RowKind::Plain);
    for n in 0..ROWS {
        rows.put(&key(n), value(n)).await.unwrap();
    }
    if compacted {
        store.compact().await.unwrap();
    }
    drop((rows, store));
    DAMAGES.into_iter().map(move |(name, damage)| {
        let folder = tempdir().unwrap();
        copy(original.path(), folder.path());
        let (_, file) =
            largest(&folder.path().join(engine.name()), compacted).expect("there are files");
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, bytes).unwrap();
        let store = engine.open_with(folder.path(), Durability::Os, Env::system());
        (name, store.map(|store| Damaged { store, _folder: folder }))
    })
}

struct Damaged {
    store: Store,
    _folder: TempDir,
}

fn key(n: u64) -> Key {
    Key::new([n.to_be_bytes()[7] % 4], n.to_be_bytes())
}

fn value(n: u64) -> Vec<u8> {
    payload::of(n, 2_000)
}

/// Reads everything in every way and gives the number of rows, which are the first so many.
async fn read(store: Result<Damaged>) -> Result<u64> {
    let Damaged { store, _folder } = store?;
    let rows = store.rows(RowKind::Plain);
    let mut found = Vec::new();
    for n in 0..ROWS {
        let read = rows.get(&key(n)).await;
        if let Ok(Some(read)) = &read {
            assert!(*read == value(n), "row {n} was altered");
        }
        found.push(read);
    }
    for order in [Scan::all(), Scan::all().descending()] {
        for partition in 0..4_u8 {
            for row in rows.scan(&[partition], &order.clone().limit(1_000)).await?.rows() {
                let n =
                    u64::from_be_bytes(row.clustering[..].try_into().expect("a key was altered"));
                assert!(n < ROWS && row.value == value(n), "row {n} was altered");
            }
        }
    }
    let stored = crate::contents::of(&store).await?.len() as u64;
    let found: Vec<bool> =
        found.into_iter().map(|row| Ok(row?.is_some())).collect::<Result<_>>()?;
    let first = found.iter().take_while(|found| **found).count() as u64;
    assert_eq!(first, stored, "a row is missing before others that are there");
    Ok(first)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The largest file in a folder and those below it; of `compacted` data, no log that was kept to be
/// written to again.
fn largest(folder: &Path, compacted: bool) -> Option<(u64, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let sized = entries.filter_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return largest(&path, compacted);
        }
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        (!(compacted && is_log)).then(|| (entry.metadata().unwrap().len(), path))
    });
    sized.max()
}

each_engine!(of_data_is_noticed, of_a_log_alters_no_row);
