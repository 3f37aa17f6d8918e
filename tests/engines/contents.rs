//! A store with something of everything, and a look at all that a store holds.

use std::sync::Arc;

use futures_util::TryStreamExt;
use kvs_core::entity::{self, LocalEntities};
use kvs_core::{
    Batch, CallOptions, Dba, DbaError, Key, Result, RowKind, Snapshot, Store, StoredRow,
};
use kvs_tests::payload;

/// Writes rows of every kind: one by one and in batches, some of them written over, some deleted.
pub(crate) async fn fill(store: &Store) {
    let plain = store.rows(RowKind::Plain);
    for n in 0..100_u64 {
        plain.put(&Key::from(format!("plain/{n}")), payload::of(n, 100)).await.unwrap();
    }
    for n in (0..100_u64).step_by(3) {
        plain.put(&Key::from(format!("plain/{n}")), payload::of(n + 1_000, 50)).await.unwrap();
    }
    for n in (0..100_u64).step_by(7) {
        plain.delete(&Key::from(format!("plain/{n}"))).await.unwrap();
    }
    for partition in 0..3_u8 {
        let put = |batch: Batch, n: u8| batch.put([n, partition], payload::of(n.into(), 1_000));
        let batch = (0..200).fold(Batch::new(), put).delete([5, partition]).put("", "first");
        plain.write(&[b'p', 0, partition, 0xFF], batch).await.unwrap();
    }
    let entities = LocalEntities::new(Arc::new(store.rows(RowKind::Entity)));
    let options = CallOptions::default();
    for n in 0..20_u8 {
        let added = entity::run(&entities, *b"entity", &options, |scope| async move {
            scope.put(&Key::new("entity", [0x10, n]), payload::of(n.into(), 10)).await
        });
        added.await.unwrap();
    }
    let chunks = store.rows(RowKind::Chunk);
    for n in 0..3_u8 {
        chunks.put(&Key::new("file", [n]), payload::of(n.into(), 1 << 20)).await.unwrap();
    }
}

/// All that a store holds, in order.
pub(crate) async fn of(store: &Store) -> Result<Vec<StoredRow>, DbaError> {
    store.save().try_concat().await
}
