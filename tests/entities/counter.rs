//! The entity that the tests command: a counter that also keeps what each command saw.

use std::sync::Arc;

use kvs_core::entity::{self, LocalEntities};
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Key, Result, RowKind, Scan, Store};

pub(crate) const COUNT: [u8; 1] = [0x10];
const SEEN: u8 = 0x11;

/// Entities in memory.
pub(crate) fn in_memory() -> LocalEntities {
    LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)))
}

/// The counter's value among `rows`.
pub(crate) async fn value(rows: &dyn Dba, name: &str) -> Result<u64> {
    let bytes = rows.get(&Key::new(name, COUNT)).await?;
    Ok(bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap())))
}

/// A command: adds one and gives the value before. The row of `number` keeps that value as well.
pub(crate) async fn add(
    entities: &LocalEntities,
    name: &str,
    number: u64,
    options: &CallOptions,
) -> Result<u64> {
    entity::run(entities, name.as_bytes(), options, |scope| async move {
        let before = value(&*scope, name).await?;
        // A chance for others to come between, if they could.
        tokio::task::yield_now().await;
        let seen = [&[SEEN], number.to_be_bytes().as_slice()].concat();
        scope.put(&Key::new(name, seen), before.to_be_bytes().to_vec()).await?;
        scope.put(&Key::new(name, COUNT), (before + 1).to_be_bytes().to_vec()).await?;
        Ok::<_, DbaError>(before)
    })
    .await
}

/// What the applied commands saw: numbers of commands with the value before each.
pub(crate) async fn seen(entities: &LocalEntities, name: &str) -> Vec<(u64, u64)> {
    let rows = entities.rows();
    let page = rows.scan(name.as_bytes(), &Scan::prefix([SEEN]).limit(10_000)).await.unwrap();
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    page.rows().map(|row| (number(&row.clustering[1..]), number(row.value))).collect()
}

/// Runs `work` in threads with a runtime each, numbered from 0.
pub(crate) fn in_threads(threads: u64, work: impl AsyncFn(u64) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.unwrap().block_on(work(thread));
            });
        }
    });
}
