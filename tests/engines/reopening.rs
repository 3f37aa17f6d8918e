//! What was written is there when the store is opened again.

use std::path::Path;

use kvs_core::env::Env;
use kvs_core::{Batch, Compact, Dba, Durability, Key, RowKind, Store};
use kvs_tests::{Engine, payload};
use tempfile::tempdir;

use crate::contents;

const DURABILITIES: [Durability; 3] = [Durability::Always, Durability::Interval, Durability::Os];

async fn keeps_everything(engine: Engine) {
    for durability in DURABILITIES {
        let folder = tempdir().unwrap();
        let open = |path: &Path| engine.open_with(path, durability, Env::system()).unwrap();
        let store = open(folder.path());
        contents::fill(&store).await;
        let before = contents::of(&store).await.unwrap();
        assert!(before.is_sorted_by_key(|row| row.key.clone()));
        drop(store);

        let store = open(folder.path());
        assert!(contents::of(&store).await.unwrap() == before, "{durability:?}: rows differ");
        let more = Key::from("written after it was opened again");
        store.rows(RowKind::Plain).put(&more, b"more".to_vec()).await.unwrap();
        drop(store);

        let store = open(folder.path());
        let rows = store.rows(RowKind::Plain);
        assert_eq!(rows.get(&more).await.unwrap(), Some(b"more".to_vec()), "{durability:?}");
        rows.delete(&more).await.unwrap();
        drop(rows);
        drop(store);

        let store = open(folder.path());
        assert!(contents::of(&store).await.unwrap() == before, "{durability:?}: rows differ");
    }
}

/// Compacting takes away what is gone, and nothing else.
async fn compacts(engine: Engine) {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    contents::fill(&store).await;
    let before = contents::of(&store).await.unwrap();
    let rows = store.rows(RowKind::Plain);
    let large =
        |n: u64| (0..32_u8).fold(Batch::new(), |b, row| b.put([row], payload::of(n, 64 << 10)));
    for n in 0..20 {
        rows.write(b"large", large(n)).await.unwrap();
    }
    let deletes = (0..32_u8).fold(Batch::new(), |batch, row| batch.delete([row]));
    rows.write(b"large", deletes).await.unwrap();
    store.compact().await.unwrap();
    assert!(contents::of(&store).await.unwrap() == before, "rows differ");
    drop(rows);
    drop(store);

    let store = engine.open(folder.path()).unwrap();
    assert!(contents::of(&store).await.unwrap() == before, "rows differ when opened again");
    store.compact().await.unwrap();
    assert!(contents::of(&store).await.unwrap() == before, "rows differ when compacted again");
    let used = bytes_used(folder.path());
    assert!(used < 30 << 20, "{used} bytes are used for 4 MiB of rows");
}

fn bytes_used(folder: &Path) -> u64 {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // The engine may be taking files away at this moment.
    let bytes = paths.filter_map(|path| {
        let metadata = path.metadata().ok()?;
        Some(if metadata.is_dir() { bytes_used(&path) } else { metadata.len() })
    });
    bytes.sum()
}

/// A store that nobody holds any more is closed: its folder can be opened at once.
async fn closes(engine: Engine) {
    let folder = tempdir().unwrap();
    for _ in 0..5 {
        let store: Store = engine.open(folder.path()).unwrap();
        let rows = store.rows(RowKind::Plain);
        let clone = store.clone();
        drop((store, clone));
        rows.put(&Key::from("key"), b"value".to_vec()).await.unwrap();
    }
}

each_engine!(keeps_everything, compacts, closes);
