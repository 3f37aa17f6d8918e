//! In the end all replicas of a key hold the same.

use super::Violation;
use crate::replicas::Replicas;

pub(super) fn check(replicas: &Replicas) -> Vec<Violation> {
    let differences = replicas.differences().into_iter();
    differences
        .map(|(key, held)| {
            let what: Vec<_> = held
                .iter()
                .map(|(node, versions)| format!("\n    node {node}: {versions:?}"))
                .collect();
            Violation::new("replicas converge", Some(key), what.concat())
        })
        .collect()
}
