//! The conformance suite over each engine.

use std::sync::Arc;

use kvs_core::{RowKind, conformance};
use kvs_tests::Engine;
use tempfile::tempdir;

async fn keeps_the_contract(engine: Engine) {
    let folder = tempdir().unwrap();
    let store = engine.open(folder.path()).unwrap();
    conformance::dba(Arc::new(store.rows(RowKind::Plain))).await;
    // Kinds are worlds of their own: to another kind the store is empty.
    conformance::iterate(Arc::new(store.rows(RowKind::Entity))).await;
}

each_engine!(keeps_the_contract);
