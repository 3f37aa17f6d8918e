//! A batch is there whole or not at all, once the faults have ended.

use super::{Order, Violation};
use crate::history::{Action, Operation, Outcome};

const CHECK: &str = "batches are whole";

/// Also of batches of unknown outcome: if one row of it is read, then so is each other one, or
/// something newer.
pub(super) fn check(operations: &[Operation], order: &Order) -> Vec<Violation> {
    let last: Vec<_> = operations.iter().filter(|read| read.is_last).collect();
    let mut violations = Vec::new();
    for batch in operations {
        let Action::Write(writes) = &batch.action else { continue };
        if writes.len() < 2 {
            continue;
        }
        let shows = |read: &&&Operation| match &read.outcome {
            Outcome::Found(found) => {
                writes.iter().any(|(key, id)| id.is_some() && found.get(key) == Some(id))
            }
            _ => false,
        };
        let Some(shown) = last.iter().find(shows) else { continue };
        for (key, id) in writes {
            let mints = match id {
                Some(_) => order.written(key, *id, batch),
                // A delete has no name to find it by.
                None => continue,
            };
            let half = last.iter().filter(|read| read.start >= shown.start).find(|read| {
                let Outcome::Found(found) = &read.outcome else { return false };
                let Some(found) = found.get(key) else { return false };
                let end = read.end.unwrap_or(u64::MAX);
                found != id && (mints.is_empty() || !order.allows(key, *found, &mints, end))
            });
            if let Some(half) = half {
                let what = format!(
                    "\n    batch:       {batch}\n    shown by:    {shown}\n    but not by:  {half}"
                );
                violations.push(Violation::new(CHECK, Some(key), what));
            }
        }
    }
    violations
}
