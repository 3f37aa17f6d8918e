//! How much is in flight at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::error::RingError;

/// Most bytes of writes that are coordinated for clients at once; the same for those that other nodes
/// forward, and for those that go on in the background.
pub(super) const WRITE_BYTES_MAX: usize = 128 << 20;
/// Most reads and scans at once.
pub(super) const READS_MAX: usize = 1024;
/// Most repairs at once.
pub(super) const REPAIRS_MAX: usize = 64;
/// What a write counts beside its values.
const WRITE_BYTES_MIN: usize = 1 << 10;
/// The unit in which bytes are counted.
const UNIT: usize = 1 << 10;

/// Permits for what is in flight.
pub(super) struct InFlight {
    writes: Arc<Semaphore>,
    forwarded: Arc<Semaphore>,
    late: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    repairs: Arc<Semaphore>,
}

impl Default for InFlight {
    fn default() -> Self {
        let bytes = || Arc::new(Semaphore::new(WRITE_BYTES_MAX / UNIT));
        Self {
            writes: bytes(),
            forwarded: bytes(),
            late: bytes(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            repairs: Arc::new(Semaphore::new(REPAIRS_MAX)),
        }
    }
}

impl InFlight {
    /// Waits for room for a client's write of `bytes` bytes.
    pub(super) async fn write(
        &self,
        bytes: usize,
        until: Instant,
    ) -> Result<OwnedSemaphorePermit, RingError> {
        let wait = self.writes.clone().acquire_many_owned(units(bytes));
        match timeout_at(until, wait).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(RingError::Busy { operation: "write" }),
        }
    }

    /// Waits for room for a read.
    pub(super) async fn read(
        &self,
        operation: &'static str,
        until: Instant,
    ) -> Result<OwnedSemaphorePermit, RingError> {
        match timeout_at(until, self.reads.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(RingError::Busy { operation }),
        }
    }

    /// Room for another node's write, if there is any: it waits at that node.
    pub(super) fn forwarded(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.forwarded.clone().try_acquire_many_owned(units(bytes)).ok()
    }

    /// Room to bring `bytes` bytes to slow replicas in the background.
    pub(super) fn late(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.late.clone().try_acquire_many_owned(units(bytes)).ok()
    }

    /// Room for a repair.
    pub(super) fn repair(&self) -> Option<OwnedSemaphorePermit> {
        self.repairs.clone().try_acquire_owned().ok()
    }
}

/// What `bytes` count; what is larger than everything may go alone.
fn units(bytes: usize) -> u32 {
    let counted = bytes.saturating_add(WRITE_BYTES_MIN).min(WRITE_BYTES_MAX);
    u32::try_from(counted / UNIT).unwrap_or(u32::MAX)
}
