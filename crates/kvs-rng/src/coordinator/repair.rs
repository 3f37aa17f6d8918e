//! Mending replicas that a read finds stale.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use kvs_core::Key;
use kvs_core::env;
use tokio::time::timeout_at;

use super::gather::Gathered;
use super::read::Held;
use super::{Coordinator, later};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::replica::Item;
use crate::version::Versions;

/// How long a read's answers that are not needed any more are waited for.
const LATE: Duration = Duration::from_millis(200);

impl Coordinator {
    /// Brings the join of all answers, also of those that come in a moment, to those that gave less.
    /// In the background; left out if too many repairs are in flight.
    pub(super) fn repair_key(&self, bucket: Bucket, key: &Key, gathered: Gathered<Versions>) {
        let Some(permit) = self.inner.in_flight.repair() else { return };
        let (this, key) = (self.clone(), key.clone());
        env::spawn(async move {
            let _permit = permit;
            let Gathered { mut answers, mut pending } = gathered;
            let until = later(LATE);
            while let Ok(Some((node, answer))) = timeout_at(until, pending.next()).await {
                answers.extend(answer.ok().map(|versions| (node, versions)));
            }
            let held = |versions| BTreeMap::from([(key.clone(), versions)]);
            let answers = answers.into_iter().map(|(node, versions)| (node, held(versions)));
            this.mend(bucket, answers.collect()).await;
        });
    }

    /// The same for several keys and the answers that are there.
    pub(super) fn repair_keys(&self, bucket: Bucket, answers: Vec<(NodeId, Held)>) {
        let Some(permit) = self.inner.in_flight.repair() else { return };
        let this = self.clone();
        env::spawn(async move {
            let _permit = permit;
            this.mend(bucket, answers).await;
        });
    }

    async fn mend(&self, bucket: Bucket, answers: Vec<(NodeId, Held)>) {
        let mut joined = Held::new();
        for (key, versions) in answers.iter().flat_map(|(_, held)| held) {
            joined.entry(key.clone()).or_default().join(versions.clone());
        }
        for (node, held) in answers {
            let stale = joined.iter().filter(|(key, versions)| {
                !versions.is_empty() && !held.get(*key).is_some_and(|held| held.descends(versions))
            });
            let items: Vec<_> = stale
                .map(|(key, versions)| Item { key: key.clone(), versions: versions.clone() })
                .collect();
            if items.is_empty() {
                continue;
            }
            if let Err(error) = self.send(node, bucket, &items).await {
                tracing::debug!(%node, %bucket, %error, "a stale replica was not repaired");
            }
        }
    }
}
