//! Damage, crashes in the middle of a write, and what is found when it is opened again.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};

use super::changes::{kinds, last_of_each};
use super::*;
use crate::engine::tests::{Rows, all, delete, get, message, put, write_set};
use crate::error::Outcome;

/// A closed store of two rows, its data folder, and the file of the row `\x01a`.
fn closed() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempdir().unwrap();
    let engine = Fs::open(folder.path()).unwrap();
    put(&engine, b"\x01a", b"1").unwrap();
    put(&engine, b"\x01b", b"1").unwrap();
    let data = folder.path().join("fs");
    let file = file_of(&data, b"\x01a");
    (folder, data, file)
}

fn file_of(data: &Path, key: &[u8]) -> PathBuf {
    let (folder, file) = row::name(key);
    data.join(folder).join(file + ".row")
}

fn rows(rows: &[(&[u8], &[u8])]) -> Rows {
    rows.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Opening is refused with an error that names `file` and says `expected`.
fn refused(folder: &TempDir, file: &Path, expected: &str) {
    let error = Fs::open(folder.path()).err().expect("it was opened").to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(error.contains(expected), "{error:?} does not say {expected:?}");
}

#[test]
fn any_tool_finds_the_file_of_a_row() {
    let (_folder, _, file) = closed();
    assert_eq!(row::decode(&fs::read(file).unwrap()), Ok((&b"\x01a"[..], &b"1"[..])));
}

#[test]
fn deleted_rows_have_no_file() {
    let (folder, _, file) = closed();
    let engine = Fs::open(folder.path()).unwrap();
    delete(&engine, b"\x01a").unwrap();
    delete(&engine, b"\x01never was").unwrap();
    assert!(!file.exists());
    assert_eq!(get(&engine, b"\x01a").unwrap(), None);
}

#[test]
fn damaged_and_foreign_files_are_refused_by_name() {
    let (folder, data, file) = closed();
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        refused(&folder, &file, "checksum");
    }
    fs::write(&file, &whole[..20]).unwrap();
    refused(&folder, &file, "cut off after 20 bytes");
    fs::write(&file, "").unwrap();
    refused(&folder, &file, "cut off after 0 bytes");
    fs::write(&file, row::encode(b"\x01c", b"1")).unwrap();
    refused(&folder, &file, "not that of the row in it");
    fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
    refused(&folder, &file, "too large");
    fs::write(&file, &whole).unwrap();

    for foreign in [data.join("notes"), data.join("00/notes.txt"), data.join("00/.hidden")] {
        fs::write(&foreign, "mine").unwrap();
        refused(&folder, &foreign, "does not belong to the store");
        assert_eq!(fs::read(&foreign).unwrap(), b"mine");
        fs::remove_file(foreign).unwrap();
    }
    let lost = data.join("07");
    let _ = fs::remove_dir_all(&lost);
    refused(&folder, &lost, "No such file");
    fs::create_dir(lost).unwrap();
    fs::write(data.join("journal"), "damaged").unwrap();
    refused(&folder, &data.join("journal"), "cut off");
    fs::remove_file(data.join("journal")).unwrap();
    assert_eq!(all(&Fs::open(folder.path()).unwrap()).unwrap().len(), 2);
}

#[test]
fn damage_while_it_is_open_is_an_error_of_the_read() {
    let (folder, _, file) = closed();
    let engine = Fs::open(folder.path()).unwrap();
    fs::write(&file, "damaged").unwrap();
    for error in [get(&engine, b"\x01a").unwrap_err(), all(&engine).unwrap_err()] {
        assert!(message(error).contains(&file.display().to_string()));
    }
    assert_eq!(get(&engine, b"\x01b").unwrap(), Some(b"1".to_vec()));
    put(&engine, b"\x01a", b"2").unwrap();
    assert_eq!(all(&engine).unwrap(), rows(&[(b"\x01a", b"2"), (b"\x01b", b"1")]));
}

/// Stops a batch after each of its steps, as a crash would, and opens the store again.
#[test]
fn a_crash_leaves_all_of_a_batch_or_nothing() {
    let writes = write_set(&[
        (b"\x01a".to_vec(), Some(b"2".to_vec())),
        (b"\x01b".to_vec(), None),
        (b"\x01c".to_vec(), Some(b"2".to_vec())),
    ]);
    let before = rows(&[(b"\x01a", b"1"), (b"\x01b", b"1")]);
    let after = rows(&[(b"\x01a", b"2"), (b"\x01c", b"2")]);
    let half = |count: usize| {
        move |files: &Files, changes: &Changes<'_>| {
            files.commit(kinds(changes).take(count).collect::<Vec<_>>().into_iter()).unwrap();
        }
    };
    type Step<'a> = (&'a str, Box<dyn Fn(&Files, &Changes<'_>)>, &'a Rows);
    let steps: Vec<Step<'_>> = vec![
        ("draft", Box::new(|files, changes| files.draft(changes).unwrap()), &before),
        ("promise", Box::new(|files, _| files.promise().unwrap()), &after),
        ("commit of one", Box::new(half(1)), &after),
        ("commit of two", Box::new(half(2)), &after),
        ("commit", Box::new(half(3)), &after),
        ("forget", Box::new(|files, _| files.forget().unwrap()), &after),
    ];
    for count in 0..=steps.len() {
        let (folder, data, _) = closed();
        let (files, changes) = (Files::new(&data), last_of_each(&writes));
        steps[..count].iter().for_each(|(_, step, _)| step(&files, &changes));
        let (name, expected) =
            count.checked_sub(1).map_or(("nothing", &before), |n| (steps[n].0, steps[n].2));
        for _ in 0..2 {
            let engine = Fs::open(folder.path()).unwrap();
            assert_eq!(all(&engine).unwrap(), *expected, "after {name}");
        }
        let leftovers = fs::read_dir(&data).unwrap().flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect()
            } else {
                vec![path]
            }
        });
        let leftovers: Vec<_> =
            leftovers.filter(|path| path.extension() != Some("row".as_ref())).collect();
        assert_eq!(leftovers, [] as [PathBuf; 0], "after {name}");
    }
}

/// A journal that can't be written changes nothing; a row that can't be named stops the store.
#[test]
fn after_a_failure_nothing_half_is_served() {
    let (folder, data, _) = closed();
    let engine = Fs::open(folder.path()).unwrap();
    let batch = write_set(&[
        (b"\x01a".to_vec(), Some(b"2".to_vec())),
        (b"\x01c".to_vec(), Some(b"2".to_vec())),
    ]);
    let outcome = |result: EngineResult<()>| match result.unwrap_err() {
        EngineError::Failed { outcome, .. } => outcome,
        EngineError::WouldBlock => panic!("it was allowed to wait"),
    };

    // A folder in the way of the journal's draft.
    fs::create_dir(data.join("journal.new")).unwrap();
    assert_eq!(outcome(engine.write(&batch, false, Wait::Allowed)), Outcome::NotApplied);
    fs::remove_dir(data.join("journal.new")).unwrap();
    assert_eq!(all(&engine).unwrap(), rows(&[(b"\x01a", b"1"), (b"\x01b", b"1")]));

    // A folder in the way of a row.
    let in_the_way = file_of(&data, b"\x01c");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(outcome(engine.write(&batch, false, Wait::Allowed)), Outcome::Unknown);
    for refused in
        [get(&engine, b"\x01a").map(drop), all(&engine).map(drop), put(&engine, b"\x01d", b"")]
    {
        let said = message(refused.unwrap_err());
        assert!(said.contains("must be opened again") && said.contains(".new: "), "{said}");
    }
    drop(engine);
    fs::remove_dir(in_the_way).unwrap();
    let engine = Fs::open(folder.path()).unwrap();
    let expected = rows(&[(b"\x01a", b"2"), (b"\x01b", b"1"), (b"\x01c", b"2")]);
    assert_eq!(all(&engine).unwrap(), expected);
}

#[test]
fn what_is_too_large_is_refused_and_leaves_nothing() {
    let (folder, data, _) = closed();
    let engine = Fs::open(folder.path()).unwrap();
    let error = put(&engine, b"\x01large", &vec![0; 65 << 20]).unwrap_err();
    assert!(matches!(error, EngineError::Failed { outcome: Outcome::NotApplied, .. }));
    assert_eq!(all(&engine).unwrap().len(), 2);
    assert!(!file_of(&data, b"\x01large").with_extension("new").exists());
}
