//! The conformance suite over each engine.

use std::sync::Arc;

use kvs_core::{RowKind, conformance};
use kvs_tests::Engine;
use tempfile::{tempdir, tempdir_in};

async fn keeps_the_contract(engine: Engine) {
    // In memory, where there is such a folder: nothing here is about the disk.
    let folder = tempdir_in("/dev/shm").or_else(|_| tempdir()).unwrap();
    let store = engine.open(folder.path()).unwrap();
    conformance::dba(Arc::new(store.rows(RowKind::Plain))).await;
    // Kinds are worlds of their own: to another kind the store is empty.
    conformance::iterate(Arc::new(store.rows(RowKind::Entity))).await;
}

each_engine!(keeps_the_contract);
