//! Data folders that can't be used, and what is said about them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kvs_core::{Dba, DbaError, Key, Outcome, Ready, RowKind, Store};
use kvs_tests::Engine;
use tempfile::{TempDir, tempdir};

use crate::contents;

/// A folder with a closed store that holds one row.
async fn with_a_store(engine: Engine) -> TempDir {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    store.rows(RowKind::Plain).put(&Key::from("key"), b"value".to_vec()).await.unwrap();
    folder
}

/// The row is there.
async fn check(store: &Store) {
    let found = store.rows(RowKind::Plain).get(&Key::from("key")).await.unwrap();
    assert_eq!(found, Some(b"value".to_vec()));
}

/// Opening fails, and the error names the folder and says `expected`.
fn refused(engine: Engine, folder: &Path, expected: &str) {
    let error = match engine.open(folder) {
        Ok(_) => panic!("opened, expected: {expected}"),
        Err(error) => error,
    };
    assert!(matches!(error, DbaError::Folder { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert!(!error.is_retryable());
    let text = error.to_string();
    assert!(text.contains(&folder.display().to_string()), "{text}");
    assert!(text.contains(expected), "{text:?} does not say {expected:?}");
}

async fn is_open_elsewhere(engine: Engine) {
    let folder = with_a_store(engine).await;
    let store = engine.open(folder.path()).unwrap();
    refused(engine, folder.path(), "open elsewhere");
    let child = Command::new(env!("CARGO_BIN_EXE_kvs-tests-child"))
        .args(["open", engine.name()])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("open elsewhere"), "{child:?}");
    // The one that was first is not harmed.
    check(&store).await;
    store.ready().await.unwrap();
    drop(store);
    check(&engine.open(folder.path()).unwrap()).await;
}

async fn is_somebody_elses(engine: Engine) {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    refused(engine, folder.path(), "notes.txt");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["notes.txt"], "something was left in a folder of somebody else");
}

async fn is_of_another_engine(engine: Engine) {
    let folder = with_a_store(engine).await;
    for other in Engine::DURABLE.into_iter().filter(|other| *other != engine) {
        let expected = format!("it holds a {} store, not a {} one", engine.name(), other.name());
        refused(other, folder.path(), &expected);
    }
    check(&engine.open(folder.path()).unwrap()).await;
}

async fn has_another_marker(engine: Engine) {
    let folder = with_a_store(engine).await;
    let marker = folder.path().join("KVS");
    let good = fs::read_to_string(&marker).unwrap();
    let (damaged, start) = ("KVS is damaged", |len: usize| good.as_bytes()[..len].to_vec());
    let cases = [
        (good.replace("format 1", "format 99").into_bytes(), "format 99"),
        (good.replace("state ready", "state gone").into_bytes(), "\"gone\""),
        (good.replace("kvs store", "sqlite").into_bytes(), damaged),
        (vec![0xFF, 0, 0x80, b'\n'], damaged),
        (start(0), damaged),
        (start(4), damaged),
        (start("kvs store\n".len()), "KVS has no format"),
        (start("kvs store\nformat 1\n".len()), "KVS has no engine"),
        (start(good.len() - "state ready\n".len()), "KVS has no state"),
    ];
    for (bytes, expected) in cases {
        fs::write(&marker, &bytes).unwrap();
        refused(engine, folder.path(), expected);
        assert_eq!(fs::read(&marker).unwrap(), bytes, "a marker that was refused was changed");
    }
    fs::write(&marker, good).unwrap();
    check(&engine.open(folder.path()).unwrap()).await;
}

/// A store whose files are gone is not replaced by an empty one, however often one tries.
async fn has_lost_its_files(engine: Engine) {
    let lose: [fn(PathBuf); 2] = [
        |data| fs::remove_dir_all(data).unwrap(),
        |data| {
            fs::remove_dir_all(&data).unwrap();
            fs::create_dir(data).unwrap();
        },
    ];
    for lose in lose {
        let folder = with_a_store(engine).await;
        lose(folder.path().join(engine.name()));
        refused(engine, folder.path(), "");
        refused(engine, folder.path(), "");
    }
}

/// What a crash left behind while the folder was first set up is begun anew.
async fn was_left_half_created(engine: Engine) {
    let folder = tempdir().unwrap();
    let data = folder.path().join(engine.name());
    fs::create_dir(&data).unwrap();
    fs::write(data.join("CURRENT"), "half").unwrap();
    fs::write(folder.path().join("KVS.new"), "kvs st").unwrap();
    let marker = format!("kvs store\nformat 1\nengine {}\nstate creating\n", engine.name());
    fs::write(folder.path().join("KVS"), marker).unwrap();
    let store = engine.open(folder.path()).unwrap();
    assert_eq!(contents::of(&store).await.unwrap(), []);
}

/// Nothing can be created below a file, not even by those whom permissions don't bind.
async fn may_not_be_written(engine: Engine) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    refused(engine, &file.join("store"), "can't be created");
    refused(engine, &file, "");
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "").is_err() {
        refused(engine, &locked, "ermission denied");
    }
}

each_engine!(
    is_open_elsewhere,
    is_somebody_elses,
    is_of_another_engine,
    has_another_marker,
    has_lost_its_files,
    was_left_half_created,
    may_not_be_written,
);
