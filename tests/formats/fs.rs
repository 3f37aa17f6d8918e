//! The files of the engine `fs`.

use std::fs;
use std::path::Path;

use kvs_core::env::Env;
use kvs_core::store::Rows;
use kvs_core::{Dba, Durability, Key, RowKind};
use kvs_tests::Engine;
use tempfile::tempdir;

use crate::fixture::Fixtures;

/// Where the row's file is in the data folder: the BLAKE3 of its stored key.
const FILE: &str = "fs/05/9d7af56ff26df8c89110438e560b7102c237082f87d25422136bc9d7e7b231.row";

fn rows(folder: &Path) -> Rows {
    let store = Engine::Fs.open_with(folder, Durability::Always, Env::system()).unwrap();
    store.rows(RowKind::Plain)
}

#[tokio::test]
async fn rows_have_files() {
    let key = Key::new("user/42", "email");
    let folder = tempdir().unwrap();
    rows(folder.path()).put(&key, b"ada@example.org".to_vec()).await.unwrap();
    let written = fs::read(folder.path().join(FILE)).unwrap();

    let mut fixtures = Fixtures::of("fs_row/v1");
    let bytes = fixtures.bytes("row", &written);
    fixtures.all_used();
    assert_eq!(bytes.escape_ascii().to_string(), written.escape_ascii().to_string());

    let folder = tempdir().unwrap();
    drop(rows(folder.path()));
    fs::write(folder.path().join(FILE), bytes).unwrap();
    let found = rows(folder.path()).get(&key).await.unwrap();
    assert_eq!(found, Some(b"ada@example.org".to_vec()));
}
