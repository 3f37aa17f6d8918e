//! Time for leases, and what of them outlasts a start.
//!
//! A node that is started again has forgotten what leases it has granted, but not for how long it may
//! have: that is on disk before the first is granted. It is bound for that long, whatever its setting is
//! by now.

use std::sync::Arc;
use std::time::Duration;

use kvs_core::Result;
use kvs_core::engine::WriteSet;
use kvs_core::env::{Background, Clock};
use kvs_core::store::Raw;
use tokio::time::sleep;

use super::core::Limits;
use super::format;

const WHAT: &str = "lease of a node";

/// A node's leases.
pub(super) struct Leases {
    clock: Arc<dyn Clock>,
    lease: Duration,
    /// Until when it may be bound by leases that it granted before it was started.
    bound: Duration,
    /// Notes that leases are shorter than they were, once the longer ones have run out.
    _shortening: Option<Background>,
}

impl Leases {
    /// Those of a node that grants leases of `lease`, or none if that is zero. `synced` syncs what it
    /// writes.
    pub(super) async fn open(
        raw: &Raw,
        synced: &Raw,
        lease: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let before = raw.get(format::lease_key()).await?;
        let before = before.map(|bytes| format::decode(WHAT, &bytes)).transpose()?;
        let before = Duration::from_millis(before.unwrap_or(0));
        if lease > before {
            write(synced, lease).await?;
        }
        let synced = synced.clone();
        let shortening = (lease < before).then(|| {
            Background::run(async move {
                sleep(before).await;
                if let Err(error) = write(&synced, lease).await {
                    tracing::warn!(%error, "that leases are shorter now could not be noted");
                }
            })
        });
        let bound = if before.is_zero() { before } else { clock.since_boot() + before };
        Ok(Self { clock, lease, bound, _shortening: shortening })
    }

    /// The time, if anything depends on it.
    pub(super) fn now(&self) -> Option<Duration> {
        let is_used = !self.lease.is_zero() || !self.bound.is_zero();
        is_used.then(|| self.clock.since_boot())
    }

    /// Until when a core that is opened now may be bound.
    pub(super) fn bound(&self) -> Duration {
        self.bound
    }

    /// The limits of a core.
    pub(super) fn limits(&self) -> Limits {
        Limits { lease: self.lease, ..Limits::DEFAULT }
    }
}

async fn write(synced: &Raw, lease: Duration) -> Result<()> {
    let mut writes = WriteSet::default();
    let millis = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    writes.stored(&format::lease_key(), Some(&format::encode(WHAT, &millis)?));
    synced.write(writes).await
}
