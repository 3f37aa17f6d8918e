//! The rows of an entity: its header, and the results of its commands.

use std::sync::Arc;

use futures_util::{TryStreamExt, stream};
use kvs_core::entity::{self, LocalEntities, header};
use kvs_core::{
    CallOptions, CommandId, Dba, DbaError, EntityStore, Key, RowKind, Snapshot, Store, StoredRow,
};

use crate::fixture::Fixtures;

/// Rows of the entity, as they are stored.
async fn rows(store: &Store) -> Vec<StoredRow> {
    store.save().try_concat().await.unwrap()
}

/// A store with these rows.
async fn store(rows: Vec<StoredRow>) -> Store {
    let store = Store::memory();
    store.load(Box::pin(stream::iter([Ok(rows)]))).await.unwrap();
    store
}

/// Runs the command of this number, which counts.
async fn command(store: &Store, number: u8) -> Result<u64, DbaError> {
    let entities = LocalEntities::new(Arc::new(store.rows(RowKind::Entity)));
    let options = CallOptions::default().command(CommandId::from_bytes([number; 16]));
    let rows = entities.rows();
    entity::run(&entities, *b"name", &options, |scope| async move {
        let count =
            header::load::<u64>(&*rows, b"name", "counter", &CallOptions::default()).await?;
        let count = count.unwrap_or(0) + 1;
        let key = Key::new("name", header::CLUSTERING);
        scope.put(&key, header::encode("counter", &count)?).await?;
        Ok(count)
    })
    .await
}

/// An entity after two commands, row by row. The commands are known to the one that reads it, and
/// another one goes on from there.
#[tokio::test]
async fn entities() {
    let written = Store::memory();
    command(&written, 1).await.unwrap();
    command(&written, 2).await.unwrap();
    let written = rows(&written).await;

    let mut fixtures = Fixtures::of("entity/v1");
    let mut read = Vec::new();
    for (name, row) in ["header", "summary", "result_1", "result_2"].into_iter().zip(&written) {
        let key = fixtures.bytes(&format!("{name}.key"), &row.key);
        let value = fixtures.bytes(&format!("{name}.value"), &row.value);
        read.push(StoredRow { key, value });
    }
    fixtures.all_used();
    assert_eq!(written, read, "an entity is written otherwise now");

    let store = store(read).await;
    assert_eq!(command(&store, 1).await.unwrap(), 1);
    assert_eq!(command(&store, 2).await.unwrap(), 2);
    assert_eq!(command(&store, 3).await.unwrap(), 3);
    let entities = store.rows(RowKind::Entity);
    assert_eq!(header::type_of(&entities, b"name").await.unwrap().as_deref(), Some("counter"));
}
