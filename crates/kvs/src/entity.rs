//! What the handles of feeds, sorted sets and leaderboards have in common.

use std::sync::Arc;

use kvs_core::entity::{self, Scope};
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Value};

/// A name, and how to run commands on it.
#[derive(Clone)]
pub(crate) struct Entity {
    store: Arc<dyn EntityStore>,
    pub(crate) name: Arc<[u8]>,
    pub(crate) options: CallOptions,
}

impl Entity {
    pub(crate) fn new(store: Arc<dyn EntityStore>, name: impl Into<Arc<[u8]>>) -> Self {
        Self { store, name: name.into(), options: CallOptions::default() }
    }

    pub(crate) fn with(self, options: CallOptions) -> Self {
        Self { options, ..self }
    }

    /// The committed rows, for reading.
    pub(crate) fn rows(&self) -> Arc<dyn Dba> {
        self.store.rows()
    }

    /// Runs `command` when it is its turn, over the rows that it alone may change.
    pub(crate) async fn run<T, E, F>(&self, command: impl FnOnce(Arc<Scope>) -> F) -> Result<T, E>
    where
        T: Value,
        E: From<DbaError>,
        F: Future<Output = Result<T, E>>,
    {
        entity::run(&*self.store, self.name.clone(), &self.options, command).await
    }
}
