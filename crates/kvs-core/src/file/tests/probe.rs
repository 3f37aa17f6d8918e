//! A store that counts, and whose power can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::store::Rows;
use crate::{Batch, CallOptions, Dba, DbaError, Key, Outcome, Page, Result, Scan};

/// Power for writes, shared by all stores that hang on it. One write meets a failure.
#[derive(Clone)]
pub(super) struct Power {
    writes_left: Arc<AtomicU64>,
    failure: Failure,
}

/// How the power fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// Whether the write that meets it happens all the same, but nobody hears of it.
    pub(super) write_happens: bool,
    /// Whether there is power again afterwards.
    pub(super) is_short: bool,
}

impl Power {
    pub(super) fn unlimited() -> Self {
        Self::failing_at(u64::MAX, Failure { write_happens: true, is_short: true })
    }

    /// Power that fails at this write; the first one is 1.
    pub(super) fn failing_at(write: u64, failure: Failure) -> Self {
        Self { writes_left: Arc::new(AtomicU64::new(write)), failure }
    }

    /// Whether the next write happens, and whether it is heard of.
    fn draw(&self) -> (bool, bool) {
        let draw = |left: u64| left.checked_sub(1);
        match self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, draw) {
            Ok(1) => (self.failure.write_happens, false),
            Ok(_) => (true, true),
            Err(_) => (self.failure.is_short, self.failure.is_short),
        }
    }
}

pub(super) struct Probe {
    rows: Rows,
    power: Power,
    pub(super) gets: AtomicU64,
    pub(super) puts: AtomicU64,
}

impl Probe {
    pub(super) fn new(rows: Rows, power: Power) -> Self {
        Self { rows, power, gets: AtomicU64::new(0), puts: AtomicU64::new(0) }
    }

    async fn powered(&self, write: impl Future<Output = Result<()>>) -> Result<()> {
        let (happens, is_heard) = self.power.draw();
        if happens {
            write.await?;
        }
        if is_heard {
            return Ok(());
        }
        Err(DbaError::Engine {
            operation: "write",
            engine: "probe",
            outcome: Outcome::Unknown,
            source: "the power failed".into(),
        })
    }
}

#[async_trait]
impl Dba for Probe {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.rows.get_with(key, options).await
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.powered(self.rows.put_with(key, value, options)).await
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        self.powered(self.rows.delete_with(key, options)).await
    }

    async fn write_with(
        &self,
        partition: &[u8],
        batch: Batch,
        options: &CallOptions,
    ) -> Result<()> {
        self.powered(self.rows.write_with(partition, batch, options)).await
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        self.rows.scan_with(partition, scan, options).await
    }
}
