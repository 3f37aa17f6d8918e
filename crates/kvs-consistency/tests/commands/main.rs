//! Commands give the same wherever they run.

#![cfg(test)]

mod refused;
mod same;

use std::sync::Arc;

use async_trait::async_trait;
use kvs_consistency::{Answer, Entities, EntityHandler, Executor, REGION, execute};
use kvs_core::entity::LocalEntities;
use kvs_core::env::Env;
use kvs_core::{CallOptions, EntityStore, Result, RowKind, Snapshot, Store, stream};
use kvs_sharding::LocalSharding;

/// An owner at the other end of a wire that loses nothing.
struct Owner {
    store: Arc<dyn EntityStore>,
    env: Env,
}

#[async_trait]
impl Entities for Owner {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer> {
        let answer = execute(&*self.store, name.clone(), &command, options, &self.env).await;
        Ok(Answer::from_bytes(answer.into_bytes()))
    }
}

/// Entities in a store of their own, near or far. What is random in them is the same in all.
struct Place {
    store: Store,
    entities: Executor,
    env: Env,
}

impl Place {
    /// Behind sharding within this process.
    fn sharded() -> Self {
        let mut place = Self::new(false);
        let store = LocalEntities::new(Arc::new(place.store.rows(RowKind::Entity)));
        let handler = EntityHandler::new(Arc::new(store), place.env.clone());
        let region = LocalSharding::default().start(REGION, handler).unwrap();
        place.entities = Executor::remote(Arc::new(region));
        place
    }

    /// One of each kind.
    fn all() -> [Self; 3] {
        [Self::new(false), Self::new(true), Self::sharded()]
    }

    fn new(is_remote: bool) -> Self {
        let (env, _) = Env::manual(1_000, 7);
        let store = Store::memory();
        let entities: Arc<dyn EntityStore> =
            Arc::new(LocalEntities::new(Arc::new(store.rows(RowKind::Entity))));
        let entities = if is_remote {
            Executor::remote(Arc::new(Owner { store: entities, env: env.clone() }))
        } else {
            Executor::local(entities, env.clone())
        };
        Self { store, entities, env }
    }

    /// Everything that is stored.
    async fn rows(&self) -> Vec<kvs_core::StoredRow> {
        let (mut pages, mut rows) = (self.store.save(), Vec::new());
        while let Some(page) = stream::next(&mut pages).await {
            rows.extend(page.unwrap());
        }
        rows
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
