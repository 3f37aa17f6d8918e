//! Entities within one process.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use super::headers::Headers;
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
///
/// The headers of the 4,096 entities changed last stay in memory (if they have at most 256 bytes), so
/// that a command needn't look for them first.
#[derive(Clone)]
pub struct LocalEntities {
    rows: Arc<Headers>,
    locks: Arc<Locks>,
}

impl LocalEntities {
    /// Entities kept in `rows`. Nobody else may write to the same rows while they are in use, unless
    /// [`forget`](Self::forget) follows.
    pub fn new(rows: Arc<dyn Dba>) -> Self {
        Self { rows: Arc::new(Headers::new(rows)), locks: Arc::default() }
    }

    /// Reads again whatever it remembers of the rows, after something else has written to them.
    pub fn forget(&self) {
        self.rows.forget();
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
            rows.write(&turn.name, writes).await
        }))
    }

    fn rows(&self) -> Arc<dyn Dba> {
        self.rows.clone()
    }
}
