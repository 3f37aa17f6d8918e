//! Entities within one process.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use super::locks::Locks;
use super::{Begun, EntityStore, Turn, history};
use crate::batch::Batch;
use crate::dba::Dba;
use crate::env::uncancelled;
use crate::error::{DbaError, Result};
use crate::limits;
use crate::options::CallOptions;

/// [`EntityStore`] over any [`Dba`], for one process: a lock for each entity in use, and one atomic
/// batch for each command. Clones share the locks.
#[derive(Clone)]
pub struct LocalEntities {
    rows: Arc<dyn Dba>,
    locks: Arc<Locks>,
}

impl LocalEntities {
    /// Entities kept in `rows`. No other `LocalEntities` may write to the same rows.
    pub fn new(rows: Arc<dyn Dba>) -> Self {
        Self { rows, locks: Arc::default() }
    }
}

#[async_trait]
impl EntityStore for LocalEntities {
    async fn begin(&self, name: Arc<[u8]>, options: &CallOptions) -> Result<Begun> {
        limits::check_partition(&name)?;
        let lock = self.locks.lock(&name);
        let held = match options.deadline {
            None => lock.await,
            Some(deadline) => tokio::time::timeout(deadline, lock)
                .await
                .map_err(|_elapsed| DbaError::Deadline { operation: "command" })?,
        };
        if let Some(id) = options.command
            && let Some(result) = history::find(&*self.rows, &name, id).await?
        {
            return Ok(Begun::Done(result));
        }
        Ok(Begun::Turn(Turn::new(name, options.command, held)))
    }

    fn submit(
        &self,
        turn: Turn,
        mut writes: Batch,
        result: Vec<u8>,
    ) -> BoxFuture<'static, Result<()>> {
        let rows = self.rows.clone();
        // The turn lasts until the rows are written, whatever becomes of the caller: the next
        // command reads what this one wrote.
        Box::pin(uncancelled(async move {
            if let Some(id) = turn.command() {
                history::record(&*rows, turn.name(), id, result, &mut writes).await?;
            }
            rows.write_with(turn.name(), writes, &CallOptions::default()).await
        }))
    }

    fn rows(&self) -> Arc<dyn Dba> {
        self.rows.clone()
    }
}
