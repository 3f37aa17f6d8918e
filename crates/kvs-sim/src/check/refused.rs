//! A write that was answered *not applied* never shows.

use std::collections::BTreeMap;

use super::{Order, Violation};
use crate::history::{Action, Id, Operation, Outcome};

const CHECK: &str = "refused writes never show";

pub(super) fn check(operations: &[Operation], order: &Order) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refused: BTreeMap<Id, &Operation> = BTreeMap::new();
    for operation in operations.iter().filter(|it| it.outcome == Outcome::NotApplied) {
        let Action::Write(writes) = &operation.action else { continue };
        for (key, id) in writes {
            let Some(id) = *id else { continue };
            refused.insert(id, operation);
            if !order.written(key, Some(id), operation).is_empty() {
                let what = format!("\n    it was minted: {operation}");
                violations.push(Violation::new(CHECK, Some(key), what));
            }
        }
    }
    for read in operations {
        let Outcome::Found(found) = &read.outcome else { continue };
        for (key, id) in found {
            if let Some(write) = id.as_ref().and_then(|id| refused.get(id)) {
                let what = format!("\n    refused: {write}\n    read:    {read}");
                violations.push(Violation::new(CHECK, Some(key), what));
            }
        }
    }
    violations
}
