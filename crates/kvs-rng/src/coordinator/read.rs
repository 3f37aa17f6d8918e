//! Quorum reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use kvs_core::{CallOptions, Consistency, Key};
use tokio::time::Instant;

use super::error::RingError;
use super::gather::gather;
use super::{Coordinator, LAYOUT_TRIES};
use crate::layout::Layout;
use crate::version::Versions;

impl Coordinator {
    /// All that R replicas hold of `key`, joined; [`Consistency::Eventual`] asks one replica only.
    ///
    /// Costs a request to each replica that is asked. Fails if too few answer before the deadline, or
    /// [`GATHER_TIMEOUT`](super::GATHER_TIMEOUT) if there is none.
    pub async fn read(&self, key: &Key, options: &CallOptions) -> Result<Versions, RingError> {
        key.check()?;
        let until = self.until("get", options)?;
        let _permit = self.inner.in_flight.read("get", until).await?;
        self.read_until(key, options.consistency, until).await
    }

    pub(super) async fn read_until(
        &self,
        key: &Key,
        consistency: Consistency,
        until: Instant,
    ) -> Result<Versions, RingError> {
        let mut tries = 0;
        loop {
            let layout = self.layout_for("get")?;
            match self.read_under(layout, key, consistency, until).await {
                Err(RingError::LayoutChanged { from, .. }) if tries < LAYOUT_TRIES => {
                    tries += 1;
                    self.fetch_layout(from).await;
                }
                done => return done,
            }
        }
    }

    async fn read_under(
        &self,
        layout: Arc<Layout>,
        key: &Key,
        consistency: Consistency,
        until: Instant,
    ) -> Result<Versions, RingError> {
        let bucket = layout.bucket_of(key.partition());
        let nodes = self.preferred(layout.replicas(bucket));
        let needed = replicas_read(&layout, consistency);
        let gathered = gather("get", layout.version(), &nodes, needed, until, |node| {
            let (this, layout, key) = (self.clone(), layout.clone(), key.clone());
            async move { this.read_at(node, &layout, &key, until).await }.boxed()
        });
        let gathered = gathered.await?;
        let mut answers = gathered.answers.iter().map(|(_, versions)| versions);
        let mut joined = answers.next().cloned().unwrap_or_default();
        let mut differ = false;
        for versions in answers {
            differ |= *versions != joined;
            joined.join(versions.clone());
        }
        if differ || !gathered.pending.is_empty() {
            self.repair_key(bucket, key, gathered);
        }
        Ok(joined)
    }
}

/// How many replicas a read asks.
pub(super) fn replicas_read(layout: &Layout, consistency: Consistency) -> usize {
    match consistency {
        Consistency::Eventual => 1,
        _ => usize::from(layout.quorum().r),
    }
}

/// What one replica holds of some keys.
pub(super) type Held = BTreeMap<Key, Versions>;
