//! The ring as a store.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::{Batch, CallOptions, Dba, DbaError, Key, Op, Outcome, Page, Ready, Result, Scan};

use super::{Coordinator, RingState};
use crate::replica::Write;
use crate::version::{CausalToken, Read, Resolver};

/// The ring as a [`Dba`]: all replicas together, each key as its [`Resolver`] makes one answer of its
/// siblings. Clones are handles of the same.
///
/// Beyond the contract a client can settle concurrent writes itself: it [gets all
/// siblings](Self::get_siblings) and writes [with the token](Self::put_with_token) that came with
/// them.
#[derive(Clone)]
pub struct Ring {
    coordinator: Coordinator,
    resolver: Arc<dyn Resolver>,
}

impl Ring {
    /// The ring as `coordinator` sees it.
    pub fn new(coordinator: Coordinator, resolver: Arc<dyn Resolver>) -> Self {
        Self { coordinator, resolver }
    }

    /// The coordinator underneath.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// All values of a row, and the token to write in place of them.
    pub async fn get_siblings(&self, key: &Key, options: &CallOptions) -> Result<Read> {
        let versions = self.coordinator.read(key, options).await?;
        Ok(versions.into_read(key, self.now_ms()))
    }

    /// Sets a row in place of what `token` covers; what was written meanwhile stays beside it.
    pub async fn put_with_token(
        &self,
        key: &Key,
        value: Vec<u8>,
        token: &CausalToken,
        options: &CallOptions,
    ) -> Result<()> {
        self.write_with_token(key, Write::put(key.clustering(), value), token, options).await
    }

    /// Removes of a row what `token` covers; what was written meanwhile stays.
    pub async fn delete_with_token(
        &self,
        key: &Key,
        token: &CausalToken,
        options: &CallOptions,
    ) -> Result<()> {
        self.write_with_token(key, Write::delete(key.clustering()), token, options).await
    }

    async fn write_with_token(
        &self,
        key: &Key,
        write: Write,
        token: &CausalToken,
        options: &CallOptions,
    ) -> Result<()> {
        key.check()?;
        let write = Write { seen: Some(token.seen(key)?), ..write };
        Ok(self.coordinator.write(key.partition(), vec![write], options).await?)
    }

    fn now_ms(&self) -> u64 {
        self.coordinator.inner.env.clock.now_ms()
    }
}

#[async_trait]
impl Dba for Ring {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        let versions = self.coordinator.read(key, options).await?;
        Ok(self.resolver.resolve(key, versions.siblings(), self.now_ms()).into_value())
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        let writes = vec![Write::put(key.clustering(), value)];
        Ok(self.coordinator.write(key.partition(), writes, options).await?)
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        let writes = vec![Write::delete(key.clustering())];
        Ok(self.coordinator.write(key.partition(), writes, options).await?)
    }

    async fn write_with(
        &self,
        partition: &[u8],
        batch: Batch,
        options: &CallOptions,
    ) -> Result<()> {
        batch.check()?;
        let write = |op| match op {
            Op::Put { clustering, value } => Write::put(clustering, value),
            Op::Delete { clustering } => Write::delete(clustering),
        };
        let writes = batch.into_iter().map(write).collect();
        Ok(self.coordinator.write(partition, writes, options).await?)
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        Ok(self.coordinator.scan(partition, scan, &*self.resolver, options).await?)
    }
}

#[async_trait]
impl Ready for Ring {
    async fn ready(&self) -> Result<()> {
        let reason = match self.coordinator.state() {
            RingState::Effective => return Ok(()),
            RingState::ReadOnly => "too few nodes are up for writes",
            RingState::Unsatisfied => "too few nodes are up for reads and writes",
        };
        Err(DbaError::Ring {
            operation: "ready",
            reason: reason.to_owned(),
            outcome: Outcome::NotApplied,
            is_retryable: true,
        })
    }
}
