//! What is particular to LevelDB: many tables, scans in parts, damage, failures.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::engine::tests::{
    Rows, agrees_with_a_map, all, delete, get, history, message, put, scan, write_set,
};
use crate::error::Outcome;

/// So small that tables and levels come into being.
const SMALL: usize = 4 << 10;

fn small(path: &Path) -> Result<LevelDb> {
    LevelDb::open_with(path, SMALL)
}

fn key(n: u32) -> Vec<u8> {
    [&[1], &n.to_be_bytes()[..]].concat()
}

fn tables(data: &Path) -> Vec<PathBuf> {
    files(data, ".ldb")
}

fn files(data: &Path, part_of_name: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().contains(part_of_name)).collect()
}

/// As a process that was killed now would leave the folder.
fn killed(folder: &Path) -> TempDir {
    let copy = tempdir().unwrap();
    fs::create_dir(copy.path().join("leveldb")).unwrap();
    for file in ["KVS", "LOCK"].map(PathBuf::from).into_iter().chain(
        fs::read_dir(folder.join("leveldb"))
            .unwrap()
            .map(|entry| Path::new("leveldb").join(entry.unwrap().file_name())),
    ) {
        fs::copy(folder.join(&file), copy.path().join(&file)).unwrap();
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_a_map(steps in history(100)) {
        agrees_with_a_map(|path| Ok(Box::new(LevelDb::open_with(path, 500)?)), &steps)?;
    }

    /// With many tables on several levels, after every so many writes.
    #[test]
    fn it_agrees_with_a_map_of_many_rows(
        rounds in prop::collection::vec((0..3_000_u32, 1..300_u32, 0..3_u32, any::<u8>()), 4..12)
    ) {
        let folder = tempdir().unwrap();
        let mut engine = small(folder.path()).unwrap();
        let mut model = BTreeMap::new();
        for (start, count, what, value) in rounds {
            for n in (start..start + count).map(|n| n * 7 % 3_000) {
                if what == 0 {
                    delete(&engine, &key(n)).unwrap();
                    model.remove(&key(n));
                } else {
                    let value = vec![value; n as usize % 200];
                    put(&engine, &key(n), &value).unwrap();
                    model.insert(key(n), value);
                }
            }
            match value % 8 {
                0 => engine.compact().unwrap(),
                1 => {
                    drop(engine);
                    engine = small(folder.path()).unwrap();
                }
                _ => {}
            }
            let range = (Bound::Excluded(key(start / 2)), Bound::Included(key(2_500)));
            let expected: Rows =
                model.range(range.clone()).map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert!(scan(&engine, &range, Order::Ascending, usize::MAX).unwrap() == expected);
            let expected: Rows = expected.into_iter().rev().take(400).collect();
            prop_assert!(scan(&engine, &range, Order::Descending, 400).unwrap() == expected);
            for n in (0..3_000).step_by(37) {
                prop_assert_eq!(get(&engine, &key(n)).unwrap(), model.get(&key(n)).cloned());
            }
        }
        prop_assert!(all(&engine).unwrap() == model.into_iter().collect::<Rows>());
    }
}

/// Values of all sizes, so that parts end by bytes as well as by rows.
#[test]
fn scans_of_many_parts_are_whole() {
    let folder = tempdir().unwrap();
    let engine = LevelDb::open(folder.path()).unwrap();
    let value = |n: u32| vec![n as u8; if n.is_multiple_of(50) { 300_000 } else { 10 }];
    let writes: Vec<_> = (0..1_500).map(|n| (key(n), Some(value(n)))).collect();
    engine.write(&write_set(&writes), false, Wait::Allowed).unwrap();
    let mut expected: Rows = (0..1_500).map(|n| (key(n), value(n))).collect();
    let range = (Bound::Included(key(0)), Bound::Unbounded);
    assert!(scan(&engine, &range, Order::Ascending, usize::MAX).unwrap() == expected);
    expected.reverse();
    assert!(scan(&engine, &range, Order::Descending, usize::MAX).unwrap() == expected);
}

/// Keys that crowd together behind a long start, far from the bounds of the range.
#[test]
fn descending_scans_find_crowded_rows() {
    let folder = tempdir().unwrap();
    let engine = LevelDb::open(folder.path()).unwrap();
    let start = vec![1, b'x'].into_iter().chain([0xFE; 500]).collect::<Vec<u8>>();
    let key = |n: u32| [start.as_slice(), &n.to_be_bytes()].concat();
    let writes: Vec<_> = (0..2_000).map(|n| (key(n), Some(Vec::new()))).collect();
    engine.write(&write_set(&writes), false, Wait::Allowed).unwrap();
    put(&engine, &[1], b"first").unwrap();
    let range = (Bound::Included(vec![1]), Bound::Excluded(vec![2]));
    let rows = scan(&engine, &range, Order::Descending, usize::MAX).unwrap();
    let expected = (0..2_000).rev().map(key).chain([vec![1]]);
    assert!(rows.into_iter().map(|(key, _)| key).eq(expected));
}

/// A scan sees one moment, whatever is written, compacted and deleted while it visits.
#[test]
fn scans_see_one_moment() {
    for order in [Order::Ascending, Order::Descending] {
        let folder = tempdir().unwrap();
        let engine = small(folder.path()).unwrap();
        for n in 0..2_000 {
            put(&engine, &key(n), b"before").unwrap();
        }
        let mut found = Rows::new();
        let range = (Bound::Included(vec![1]), Bound::Excluded(vec![2]));
        engine
            .scan(&range, order, Wait::Allowed, &mut |key, value| {
                if found.len() % 500 == 1 {
                    for n in 0..2_000 {
                        put(&engine, &self::key(n * 2), &[7; 20]).unwrap();
                    }
                    engine.compact().unwrap();
                    for n in 0..1_000 {
                        delete(&engine, &self::key(n * 3)).unwrap();
                    }
                }
                found.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .unwrap();
        if order == Order::Descending {
            found.reverse();
        }
        assert!(found == (0..2_000).map(|n| (key(n), b"before".to_vec())).collect::<Rows>());
        // Tables that only the scan needed are gone.
        engine.compact().unwrap();
        let rows = all(&engine).unwrap();
        let bytes: u64 = tables(&folder.path().join("leveldb"))
            .iter()
            .map(|t| fs::metadata(t).unwrap().len())
            .sum();
        assert!(bytes < 100_000, "{bytes} bytes are kept for {} rows", rows.len());
    }
}

#[test]
fn compacting_forgets_what_was_deleted() {
    let folder = tempdir().unwrap();
    let engine = small(folder.path()).unwrap();
    for n in 0..3_000 {
        put(&engine, &key(n), &[7; 50]).unwrap();
    }
    for n in 1..3_000 {
        delete(&engine, &key(n)).unwrap();
    }
    engine.compact().unwrap();
    assert_eq!(all(&engine).unwrap(), vec![(key(0), vec![7; 50])]);
    let tables = tables(&folder.path().join("leveldb"));
    assert_eq!(tables.len(), 1);
    assert!(fs::metadata(&tables[0]).unwrap().len() < 500);
}

/// What was acknowledged has left the process; what the log lost at its end, nobody was told of.
#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let folder = tempdir().unwrap();
    let engine = LevelDb::open(folder.path()).unwrap();
    for n in 0..100 {
        put(&engine, &key(n), &vec![7; n as usize * 100]).unwrap();
        if n % 30 == 0 {
            let copy = killed(folder.path());
            assert_eq!(all(&LevelDb::open(copy.path()).unwrap()).unwrap().len(), n as usize + 1);
        }
    }
    let whole = fs::read(&files(&folder.path().join("leveldb"), ".log")[0]).unwrap();
    for cut in (0..whole.len()).step_by(whole.len() / 40) {
        let copy = killed(folder.path());
        fs::write(&files(&copy.path().join("leveldb"), ".log")[0], &whole[..cut]).unwrap();
        for _ in 0..2 {
            let engine = LevelDb::open(copy.path()).unwrap();
            let rows = all(&engine).unwrap();
            assert!(rows.iter().map(|(key, _)| key.clone()).eq((0..rows.len() as u32).map(key)));
            // What comes after is not lost behind what was cut off.
            put(&engine, &[2], b"after").unwrap();
            drop(engine);
            let engine = LevelDb::open(copy.path()).unwrap();
            assert_eq!(get(&engine, &[2]).unwrap(), Some(b"after".to_vec()));
            delete(&engine, &[2]).unwrap();
        }
    }
}

/// Changes a byte of a file; then each row is right or an error, and some are errors.
fn damage_is_noticed(folder: &Path, file: &Path, at: usize, expected: &Rows) -> bool {
    let whole = fs::read(file).unwrap();
    let mut damaged = whole.clone();
    damaged[at] ^= 0x10;
    fs::write(file, damaged).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let read = LevelDb::open(folder).map_err(|error| error.to_string()).and_then(|engine| {
        let rows = all(&engine).map_err(message)?;
        assert!(rows == *expected, "byte {at} of {name}: rows are missing or wrong");
        Ok(())
    });
    fs::write(file, whole).unwrap();
    if let Err(error) = &read {
        assert!(error.contains(name) || error.contains("LevelDB"), "{name} is not named: {error}");
    }
    read.is_err()
}

#[test]
fn damaged_tables_are_noticed() {
    let folder = tempdir().unwrap();
    let engine = small(folder.path()).unwrap();
    for n in 0..200 {
        put(&engine, &key(n), &[n as u8; 50]).unwrap();
    }
    engine.compact().unwrap();
    let expected = all(&engine).unwrap();
    drop(engine);
    let original = killed(folder.path());
    let file = &tables(&original.path().join("leveldb"))[0];
    let length = fs::metadata(file).unwrap().len() as usize;
    let noticed = (0..length).step_by(7).filter(|at| {
        // Each time as it was: a store that opens writes new files.
        let copy = killed(original.path());
        let file = copy.path().join("leveldb").join(file.file_name().unwrap());
        damage_is_noticed(copy.path(), &file, *at, &expected)
    });
    // All but the filter, which nobody reads, and the padding of the footer.
    let (noticed, tried) = (noticed.count(), length.div_ceil(7));
    assert!(noticed * 10 > tried * 7, "{noticed} of {tried}");

    for cut in [0, 1, 47, 48, length / 2, length - 1] {
        let copy = killed(original.path());
        let file = copy.path().join("leveldb").join(file.file_name().unwrap());
        fs::write(&file, &fs::read(&file).unwrap()[..cut]).unwrap();
        let error = LevelDb::open(copy.path())
            .map_err(|error| error.to_string())
            .and_then(|engine| all(&engine).map_err(message))
            .expect_err("the table is damaged");
        assert!(error.contains(&file.display().to_string()), "cut at {cut}: {error}");
    }
}

/// A damaged table is not compacted into one that is whole and lacks rows.
#[test]
fn damage_is_not_compacted_away() {
    let folder = tempdir().unwrap();
    let engine = small(folder.path()).unwrap();
    for n in 0..500 {
        put(&engine, &key(n), &[n as u8; 50]).unwrap();
    }
    drop(engine);
    let data = folder.path().join("leveldb");
    let damaged = &tables(&data)[0];
    let mut bytes = fs::read(damaged).unwrap();
    bytes[20] ^= 1;
    fs::write(damaged, &bytes).unwrap();
    let named = damaged.display().to_string();
    let engine = LevelDb::open(folder.path()).unwrap();
    for refused in [
        engine.compact(),
        get(&engine, &key(0)).map(drop),
        put(&engine, &key(0), b""),
        all(&engine).map(drop),
        engine.sync(Wait::Allowed),
    ] {
        let said = message(refused.unwrap_err());
        assert!(said.contains(&named), "{said}");
    }
    drop(engine);
    bytes[20] ^= 1;
    fs::write(damaged, bytes).unwrap();
    assert_eq!(all(&small(folder.path()).unwrap()).unwrap().len(), 500);
}

#[test]
fn damaged_logs_and_manifests_are_refused() {
    let folder = tempdir().unwrap();
    let engine = LevelDb::open(folder.path()).unwrap();
    for n in 0..20 {
        put(&engine, &key(n), b"value").unwrap();
    }
    let original = killed(folder.path());
    let expected = all(&engine).unwrap();
    drop(engine);
    for part_of_name in [".log", "MANIFEST"] {
        let file = &files(&original.path().join("leveldb"), part_of_name)[0];
        let length = fs::metadata(file).unwrap().len() as usize;
        // The last record is taken for unfinished if its length is wrong.
        let last = if part_of_name == ".log" { length / 20 } else { length / 2 };
        for at in 0..length - last {
            let copy = killed(original.path());
            let file = copy.path().join("leveldb").join(file.file_name().unwrap());
            assert!(damage_is_noticed(copy.path(), &file, at, &expected), "{file:?} at {at}");
        }
    }
}

#[test]
fn missing_files_are_refused() {
    let folder = tempdir().unwrap();
    let engine = small(folder.path()).unwrap();
    for n in 0..500 {
        put(&engine, &key(n), &[n as u8; 50]).unwrap();
    }
    drop(engine);
    for part_of_name in [".ldb", ".log", "MANIFEST", "CURRENT"] {
        let copy = killed(folder.path());
        fs::remove_file(&files(&copy.path().join("leveldb"), part_of_name)[0]).unwrap();
        for _ in 0..2 {
            let error = LevelDb::open(copy.path()).err().expect(part_of_name).to_string();
            let says = [part_of_name, "no log", "missing live files"];
            assert!(says.iter().any(|says| error.contains(says)), "{error}");
        }
    }
    let copy = killed(folder.path());
    fs::write(copy.path().join("leveldb/CURRENT"), "MANIFEST-999999\n").unwrap();
    let error = LevelDb::open(copy.path()).err().unwrap().to_string();
    assert!(error.contains("MANIFEST-999999"), "{error}");
}

/// After a failure nothing is done any more, and nothing acknowledged is lost.
#[test]
fn it_stops_at_the_first_failure() {
    let folder = tempdir().unwrap();
    let engine = small(folder.path()).unwrap();
    let (data, elsewhere) = (folder.path().join("leveldb"), folder.path().join("elsewhere"));
    for n in 0..100 {
        put(&engine, &key(n), b"value").unwrap();
    }
    fs::rename(&data, &elsewhere).unwrap();
    let mut acknowledged = 100;
    let error = loop {
        match put(&engine, &key(acknowledged), b"value") {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EngineError::Failed { outcome: Outcome::Unknown, .. }));
    let said = message(error);
    assert!(said.contains(&data.display().to_string()), "{said}");
    fs::rename(&elsewhere, &data).unwrap();
    for refused in [get(&engine, &key(0)).map(drop), put(&engine, &key(0), b""), engine.compact()] {
        assert_eq!(message(refused.unwrap_err()), said);
    }
    drop(engine);
    let rows = all(&small(folder.path()).unwrap()).unwrap();
    assert!(rows.len() as u32 >= acknowledged && rows.iter().all(|(_, value)| value == b"value"));
}
