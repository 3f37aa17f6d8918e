//! Disks that are full: writes are refused, all else works, and writes go on once there is room.
//!
//! Each test mounts a small file system of its own, in memory. Where that is not permitted it says
//! so and is skipped.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use kvs_core::store::Rows;
use kvs_core::{Batch, Compact, Dba, DbaError, Key, Outcome, Ready, RowKind, Scan, Store};
use kvs_tests::{Engine, payload};
use tempfile::{TempDir, tempdir};

const VALUE_BYTES: usize = 64 << 10;

/// A small file system, gone when this is dropped.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts one of so many MiB; `None`, with a word on stderr, if that is not permitted.
    fn mount(mib: u64) -> Option<Self> {
        let folder = tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "kvs-tests"])
            .arg(folder.path())
            .output();
        let why_not = match mount {
            Ok(output) if output.status.success() => return Some(Self { folder }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        // Not through a macro, whose output the test harness keeps to itself.
        writeln!(io::stderr(), "skipped: no small disk to fill can be mounted: {why_not}").unwrap();
        None
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn grow(&self, mib: u64) {
        let options = format!("remount,size={mib}m");
        let status = Command::new("mount").args(["-o", &options]).arg(self.folder.path()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a test that failed may still hold files open.
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// In no order, so that each value lies between others.
fn clustering(n: u64) -> Vec<u8> {
    payload::of(n, 8)
}

fn key(n: u64) -> Key {
    Key::new("p", clustering(n))
}

/// Puts values from number `n` on until the disk is full, compacted or not, and gives the number
/// that was refused.
async fn fill(store: &Store, folder: &Path, mut n: u64) -> u64 {
    let rows = store.rows(RowKind::Plain);
    let mut compacted = false;
    loop {
        match rows.put(&key(n), payload::of(n, VALUE_BYTES)).await {
            Ok(()) => (n, compacted) = (n + 1, false),
            Err(error) => {
                check_error(&error, folder);
                if compacted {
                    return n;
                }
                compact(store).await;
                compacted = true;
            }
        }
    }
}

/// Compacts, if there is room for that, and tells so. Nothing is changed otherwise.
async fn compact(store: &Store) -> bool {
    let compacted = store.compact().await;
    if let Err(error) = &compacted {
        assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
    }
    compacted.is_ok()
}

/// The error says that nothing was done, where, how much is free, and how much should be.
fn check_error(error: &DbaError, folder: &Path) {
    assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
    assert!(error.is_retryable(), "{error}");
    let DbaError::DiskFull { path, free, reserve } = error else { panic!("{error}") };
    assert_eq!(path, folder);
    assert!(*free < reserve + 2 * (VALUE_BYTES as u64 + 1024), "{error}");
    for named in [folder.display().to_string(), free.to_string(), reserve.to_string()] {
        assert!(error.to_string().contains(&named), "{error}");
    }
}

/// The rows of exactly these numbers are there, unaltered.
async fn check_rows(rows: &Rows, numbers: impl Iterator<Item = u64> + Clone) {
    for n in numbers.clone() {
        let found = rows.get(&key(n)).await.unwrap();
        assert!(found == Some(payload::of(n, VALUE_BYTES)), "row {n}");
    }
    let mut stored = Vec::new();
    let mut scan = Scan::all();
    loop {
        let page = rows.scan(b"p", &scan).await.unwrap();
        stored.extend(page.rows().map(|row| row.clustering.to_vec()));
        let Some(token) = page.resume else { break };
        scan = Scan::all().resume(token);
    }
    let mut expected: Vec<_> = numbers.map(clustering).collect();
    expected.sort_unstable();
    assert!(stored == expected, "{} rows are stored, not {}", stored.len(), expected.len());
}

fn open(engine: Engine, folder: &Path) -> (Store, Rows) {
    let store = engine.open(folder).unwrap();
    let rows = store.rows(RowKind::Plain);
    (store, rows)
}

async fn is_refused_and_then_goes_on(engine: Engine) {
    let Some(disk) = Disk::mount(32) else { return };
    let folder = disk.store();
    let (store, rows) = open(engine, &folder);
    let full = fill(&store, &folder, 0).await;
    assert!(full > 32, "only {full} values fitted");

    // Reads and deletes work, writes are refused whole.
    check_rows(&rows, 0..full).await;
    if let Err(error) = store.ready().await {
        check_error(&error, &folder);
    }
    // (A large one, as the engine may still be giving room back.)
    let half = Batch::new().delete(clustering(2)).put("x", payload::of(0, 4 << 20));
    let error = rows.write(b"p", half).await.unwrap_err();
    assert!(matches!(error, DbaError::DiskFull { .. }), "{error}");
    rows.delete(&key(0)).await.unwrap();
    let deletes = Batch::new().delete(clustering(1));
    rows.write(b"p", deletes).await.unwrap();
    check_rows(&rows, 2..full).await;

    // Also when the store is closed and opened on the full disk. That may give some room back.
    drop((store, rows));
    let (store, rows) = open(engine, &folder);
    check_rows(&rows, 2..full).await;
    let full = fill(&store, &folder, full).await;
    check_rows(&rows, 2..full).await;

    // Deleting and compacting make room.
    let (kept, gone): (Vec<u64>, Vec<u64>) = (2..full).partition(|n| n % 2 == 0);
    for n in gone {
        rows.delete(&key(n)).await.unwrap();
    }
    assert!(compact(&store).await, "no room to compact");
    rows.put(&key(full), payload::of(full, VALUE_BYTES)).await.unwrap();
    let kept = kept.into_iter();
    check_rows(&rows, kept.clone().chain([full])).await;

    // And so does a larger disk, at once.
    let fuller = fill(&store, &folder, full + 1).await;
    disk.grow(64);
    for n in fuller..fuller + 32 {
        rows.put(&key(n), payload::of(n, VALUE_BYTES)).await.unwrap();
    }
    store.ready().await.unwrap();
    let kept = kept.chain(full..fuller + 32);
    check_rows(&rows, kept.clone()).await;
    drop((store, rows));
    check_rows(&open(engine, &folder).1, kept).await;
}

/// Others may fill the disk to its last byte, reserve and all.
async fn is_survived_without_the_reserve(engine: Engine) {
    let Some(disk) = Disk::mount(32) else { return };
    let folder = disk.store();
    let (store, rows) = open(engine, &folder);
    for n in 0..32 {
        rows.put(&key(n), payload::of(n, VALUE_BYTES)).await.unwrap();
    }
    let ballast = disk.folder.path().join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);

    check_rows(&rows, 0..32).await;
    check_error(&rows.put(&key(32), payload::of(32, VALUE_BYTES)).await.unwrap_err(), &folder);
    check_rows(&rows, 0..32).await;
    drop((store, rows));

    fs::remove_file(ballast).unwrap();
    let (_store, rows) = open(engine, &folder);
    rows.put(&key(32), payload::of(32, VALUE_BYTES)).await.unwrap();
    check_rows(&rows, 0..33).await;
}

/// An engine may find the disk full itself, in the middle of its own work, and give up. Whatever it
/// says: once there is room and the store is opened again, all that was acknowledged is there.
async fn loses_nothing_acknowledged(engine: Engine) {
    let Some(disk) = Disk::mount(32) else { return };
    let folder = disk.store();
    let (store, rows) = open(engine, &folder);
    let mut full = 0;
    while rows.put(&key(full), payload::of(full, VALUE_BYTES)).await.is_ok() {
        full += 1;
    }
    drop((store, rows));
    // Opening it on the full disk harms nothing, even where it fails.
    if let Ok(store) = engine.open(&folder) {
        check_rows(&store.rows(RowKind::Plain), 0..full).await;
    }

    disk.grow(128);
    let (_store, rows) = open(engine, &folder);
    // If the outcome of the last put was unknown it may be there.
    rows.delete(&key(full)).await.unwrap();
    check_rows(&rows, 0..full).await;
    for n in full..full + 32 {
        rows.put(&key(n), payload::of(n, VALUE_BYTES)).await.unwrap();
    }
    check_rows(&rows, 0..full + 32).await;
}

each_engine!(is_survived_without_the_reserve, loses_nothing_acknowledged);

mod is_refused_and_then_goes_on {
    // fjall and LevelDB can't be told to leave room while they merge tables.
    each_engine!(@is_refused_and_then_goes_on: fs Fs, rocksdb RocksDb);
}
