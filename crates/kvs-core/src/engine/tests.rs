//! What every engine keeps, below the store: its promises as a map, and of its folder.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::{Engine, EngineError, EngineResult, Wait, WriteSet};
use crate::error::Result;
use crate::format::stored_key::RowKind;
use crate::scan::{ContainsKey, Order, Range};

/// Opens an engine in a folder.
pub(super) type Open = fn(&Path) -> Result<Box<dyn Engine>>;

/// The engines on disk that are compiled in.
fn engines() -> Vec<Open> {
    vec![
        #[cfg(feature = "fjall")]
        |path| Ok(Box::new(super::fjall::Fjall::open(path, super::fjall::Tuning::default())?)),
        #[cfg(feature = "fs")]
        |path| Ok(Box::new(super::fs::Fs::open(path)?)),
        #[cfg(feature = "leveldb")]
        |path| Ok(Box::new(super::leveldb::LevelDb::open(path)?)),
        #[cfg(feature = "rocksdb")]
        |path| {
            Ok(Box::new(super::rocksdb::RocksDb::open(path, super::rocksdb::Tuning::default())?))
        },
    ]
}

pub(super) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Does `work` at once if the engine can, and otherwise lets it wait, as a store does.
fn patiently<T>(work: impl Fn(Wait) -> EngineResult<T>) -> EngineResult<T> {
    match work(Wait::Never) {
        Err(EngineError::WouldBlock) => work(Wait::Allowed),
        answer => answer,
    }
}

pub(super) fn write_set(writes: &[(Vec<u8>, Option<Vec<u8>>)]) -> WriteSet {
    let mut set = WriteSet::default();
    writes.iter().for_each(|(key, value)| set.stored(key, value.as_deref()));
    set
}

pub(super) fn put(engine: &dyn Engine, key: &[u8], value: &[u8]) -> EngineResult<()> {
    let writes = write_set(&[(key.to_vec(), Some(value.to_vec()))]);
    patiently(|wait| engine.write(&writes, false, wait))
}

pub(super) fn delete(engine: &dyn Engine, key: &[u8]) -> EngineResult<()> {
    let writes = write_set(&[(key.to_vec(), None)]);
    patiently(|wait| engine.write(&writes, false, wait))
}

pub(super) fn get(engine: &dyn Engine, key: &[u8]) -> EngineResult<Option<Vec<u8>>> {
    patiently(|wait| {
        let mut found = None;
        engine.get(key, wait, &mut |value| found = Some(value.to_vec()))?;
        Ok(found)
    })
}

/// At most `limit` rows of a scan.
pub(super) fn scan(
    engine: &dyn Engine,
    range: &Range,
    order: Order,
    limit: usize,
) -> EngineResult<Rows> {
    patiently(|wait| {
        let mut rows = Rows::new();
        engine.scan(range, order, wait, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    })
}

pub(super) fn all(engine: &dyn Engine) -> EngineResult<Rows> {
    let mut rows = Rows::new();
    engine.scan_all(&mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// The message of an error.
pub(super) fn message(error: EngineError) -> String {
    match error {
        EngineError::WouldBlock => panic!("it was allowed to wait"),
        EngineError::Failed { source, .. } => source.to_string(),
    }
}

/// One step of a random history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Vec<(Vec<u8>, Option<Vec<u8>>)>, bool),
    Get(Vec<u8>),
    Scan(Range, Order, usize),
    ScanAll,
    Sync,
    Compact,
    Reopen,
}

/// Histories over few keys, so that steps meet.
pub(super) fn history(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let writes = vec((key(), prop::option::of(vec(any::<u8>(), 0..50))), 1..6);
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let step = prop_oneof![
        12 => (writes, any::<bool>()).prop_map(|(writes, sync)| Step::Write(writes, sync)),
        4 => key().prop_map(Step::Get),
        12 => (range(), order, 1..20_usize).prop_map(|(r, o, limit)| Step::Scan(r, o, limit)),
        1 => Just(Step::ScanAll),
        1 => Just(Step::Sync),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..steps)
}

fn kind() -> impl Strategy<Value = u8> {
    prop::sample::select(RowKind::ALL.map(|kind| kind as u8).to_vec())
}

fn suffix() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xFF)], 0..4)
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    (kind(), suffix()).prop_map(|(kind, suffix)| [vec![kind], suffix].concat())
}

/// Ranges within one kind; some of them are empty or reversed.
fn range() -> impl Strategy<Value = Range> {
    let bound = || prop::option::of((any::<bool>(), suffix()));
    (kind(), bound(), bound()).prop_map(|(kind, start, end)| {
        let bound = |bound: Option<(bool, Vec<u8>)>, otherwise| match bound {
            None => otherwise,
            Some((true, suffix)) => Bound::Included([vec![kind], suffix].concat()),
            Some((false, suffix)) => Bound::Excluded([vec![kind], suffix].concat()),
        };
        let (first, last) = (Bound::Included(vec![kind]), Bound::Excluded(vec![kind + 1]));
        (bound(start, first), bound(end, last))
    })
}

/// Takes the steps with an engine and with an ordered map, and compares what they read.
pub(super) fn agrees_with_a_map(
    open: impl Fn(&Path) -> Result<Box<dyn Engine>>,
    steps: &[Step],
) -> std::result::Result<(), TestCaseError> {
    let folder = tempdir().unwrap();
    let mut engine = open(folder.path()).unwrap();
    let mut model = BTreeMap::new();
    for step in steps {
        match step {
            Step::Write(writes, sync) => {
                let set = write_set(writes);
                patiently(|wait| engine.write(&set, *sync, wait)).unwrap();
                for (key, value) in writes.clone() {
                    match value {
                        Some(value) => drop(model.insert(key, value)),
                        None => drop(model.remove(&key)),
                    }
                }
            }
            Step::Get(key) => {
                let found = get(&*engine, key).unwrap();
                prop_assert_eq!(found.as_ref(), model.get(key));
            }
            Step::Scan(range, order, limit) => {
                let mut expected: Rows = model
                    .iter()
                    .filter(|(key, _)| range.contains_key(key))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                if *order == Order::Descending {
                    expected.reverse();
                }
                expected.truncate(*limit);
                prop_assert_eq!(scan(&*engine, range, *order, *limit).unwrap(), expected);
            }
            Step::ScanAll => {
                let expected: Rows = model.clone().into_iter().collect();
                prop_assert_eq!(all(&*engine).unwrap(), expected);
            }
            Step::Sync => engine.sync(Wait::Allowed).unwrap(),
            Step::Compact => engine.compact().unwrap(),
            Step::Reopen => {
                drop(engine);
                engine = open(folder.path()).unwrap();
            }
        }
    }
    prop_assert_eq!(all(&*engine).unwrap(), model.into_iter().collect::<Rows>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn engines_agree_with_a_map(steps in history(60)) {
        for open in engines() {
            agrees_with_a_map(open, &steps)?;
        }
    }
}

/// A folder with a closed store of one row.
fn with_a_store(open: Open) -> TempDir {
    let folder = tempdir().unwrap();
    put(&*open(folder.path()).unwrap(), b"\x01key", b"value").unwrap();
    folder
}

#[test]
fn the_last_write_of_a_key_in_a_batch_wins() {
    for open in engines() {
        let folder = tempdir().unwrap();
        let engine = open(folder.path()).unwrap();
        put(&*engine, b"\x01b", b"before").unwrap();
        let write = |key: &[u8], value: Option<&[u8]>| (key.to_vec(), value.map(<[u8]>::to_vec));
        let writes = write_set(&[
            write(b"\x01a", Some(b"1")),
            write(b"\x01b", Some(b"1")),
            write(b"\x01c", None),
            write(b"\x01a", Some(b"2")),
            write(b"\x01b", None),
            write(b"\x01c", Some(b"2")),
        ]);
        engine.write(&writes, true, Wait::Allowed).unwrap();
        let expected = vec![(b"\x01a".to_vec(), b"2".to_vec()), (b"\x01c".to_vec(), b"2".to_vec())];
        assert_eq!(all(&*engine).unwrap(), expected, "{}", engine.name());
        drop(engine);
        assert_eq!(all(&*open(folder.path()).unwrap()).unwrap(), expected);
    }
}

#[test]
fn large_batches_and_values_are_kept() {
    for open in engines() {
        let folder = tempdir().unwrap();
        let large = (b"\x02large".to_vec(), vec![7; 5 << 20]);
        let many: Rows = (0..1000_u32)
            .map(|n| ([&[1], &n.to_be_bytes()[..]].concat(), vec![n as u8; 9]))
            .collect();
        let engine = open(folder.path()).unwrap();
        put(&*engine, &large.0, &large.1).unwrap();
        let writes: Vec<_> = many.iter().cloned().map(|(key, value)| (key, Some(value))).collect();
        engine.write(&write_set(&writes), false, Wait::Allowed).unwrap();
        let expected: Rows = many.into_iter().chain([large]).collect();
        assert!(all(&*engine).unwrap() == expected, "{}", engine.name());
        drop(engine);
        assert!(all(&*open(folder.path()).unwrap()).unwrap() == expected);
    }
}

#[test]
fn a_second_handle_is_refused() {
    for open in engines() {
        let folder = with_a_store(open);
        let engine = open(folder.path()).unwrap();
        let error = open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("open elsewhere"), "{error}");
        put(&*engine, b"\x01key", b"new").unwrap();
        drop(engine);
        let engine = open(folder.path()).unwrap();
        assert_eq!(get(&*engine, b"\x01key").unwrap(), Some(b"new".to_vec()));
    }
}

#[test]
fn the_folder_of_another_engine_is_refused() {
    for (n, open) in engines().into_iter().enumerate() {
        let folder = with_a_store(open);
        for (_, other) in engines().into_iter().enumerate().filter(|(other, _)| *other != n) {
            let error = other(folder.path()).err().unwrap().to_string();
            assert!(error.contains("it holds a "), "{error}");
        }
        assert_eq!(all(&*open(folder.path()).unwrap()).unwrap().len(), 1);
    }
}

#[test]
fn lost_files_are_not_replaced_by_an_empty_store() {
    for open in engines() {
        let folder = with_a_store(open);
        let data = folder.path().join(open(folder.path()).unwrap().name());
        fs::remove_dir_all(&data).unwrap();
        assert!(open(folder.path()).is_err());
        // An engine may have made the folder in trying.
        fs::create_dir_all(&data).unwrap();
        assert!(open(folder.path()).is_err());
        assert!(open(folder.path()).is_err());
    }
}

#[test]
fn nothing_waits_that_may_not() {
    for open in engines() {
        let folder = tempdir().unwrap();
        let engine = open(folder.path()).unwrap();
        let writes = write_set(&[(b"\x01a".to_vec(), Some(Vec::new()))]);
        let synced = engine.write(&writes, true, Wait::Never);
        assert!(matches!(synced, Err(EngineError::WouldBlock)), "{}", engine.name());
        assert_eq!(all(&*engine).unwrap(), [], "it did something and would block");
    }
}
