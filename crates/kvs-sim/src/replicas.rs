//! What the replicas hold, read from the disks.

use std::collections::BTreeMap;

use kvs_core::{Key, RowKind};
use kvs_rng::version::Versions;

use crate::run::answers;
use crate::world::World;

/// What each replica of each key holds.
#[derive(Clone, Debug, Default)]
pub struct Replicas {
    /// By key: the nodes that are to hold it and can answer for what they hold, and what they do.
    pub held: BTreeMap<Key, BTreeMap<usize, Versions>>,
}

impl Replicas {
    /// The replicas as they are now. A node that may have forgotten something, and is not repaired, is
    /// left out.
    pub fn of(world: &World) -> Self {
        let reports = world.reports();
        let Some(layout) =
            reports.values().map(|report| &report.layout).max_by_key(|it| it.version())
        else {
            return Self::default();
        };
        let mut held: BTreeMap<Key, BTreeMap<usize, Versions>> = BTreeMap::new();
        for key in world.keys() {
            let bucket = layout.bucket_of(key.partition());
            let mut stored = vec![RowKind::Replica as u8];
            stored.extend_from_slice(&bucket.0.to_be_bytes());
            kvs_core::format::stored_key::encode_into(
                &mut stored,
                RowKind::Plain,
                key.partition(),
                key.clustering(),
            );
            for (node, report) in &reports {
                if !layout.replicas(bucket).contains(&report.id) || !answers(report.condition) {
                    continue;
                }
                let Some(machine) = world.machines.get(*node) else { continue };
                let rows = machine.disk.rows(&stored);
                let row = rows.iter().find(|(found, _)| *found == stored);
                let versions = row.and_then(|(_, value)| Versions::decode(value).ok());
                held.entry(key.clone()).or_default().insert(*node, versions.unwrap_or_default());
            }
        }
        Self { held }
    }

    /// The keys of which replicas hold different things, and what they hold.
    pub fn differences(&self) -> Vec<(&Key, &BTreeMap<usize, Versions>)> {
        let differ = |held: &BTreeMap<usize, Versions>| {
            let mut all = held.values();
            let first = all.next();
            all.any(|versions| Some(versions) != first)
        };
        self.held.iter().filter(|(_, held)| differ(held)).collect()
    }
}
