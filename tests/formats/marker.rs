//! The file `KVS` of a data folder.

use std::fs;

use kvs_core::store::Folder;
use tempfile::tempdir;

use crate::fixture::Fixtures;

const ENGINES: [&str; 4] = ["fjall", "fs", "leveldb", "rocksdb"];

#[test]
fn markers() {
    let mut fixtures = Fixtures::of("marker/v1");
    for engine in ENGINES {
        let folder = tempdir().unwrap();
        let marker = folder.path().join("KVS");
        for state in ["creating", "ready"] {
            let opened = Folder::open(folder.path(), engine).unwrap();
            if state == "ready" {
                opened.ready().unwrap();
            }
            drop(opened);
            let written = fs::read(&marker).unwrap();
            let bytes = fixtures.bytes(&format!("{engine}_{state}"), &written);
            assert_eq!(bytes.escape_ascii().to_string(), written.escape_ascii().to_string());

            fs::write(&marker, bytes).unwrap();
            let holds = Folder::engine_in(folder.path()).unwrap();
            assert_eq!(holds.as_deref(), (state == "ready").then_some(engine));
        }
    }
    fixtures.all_used();
}
