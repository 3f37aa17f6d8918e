//! Every acknowledged write, or something newer, is read by every later read.

use std::collections::BTreeSet;

use kvs_core::Key;

use super::{Order, Violation};
use crate::history::{Action, Id, Operation, Outcome};
use crate::mints::Mint;

const CHECK: &str = "acknowledged writes are read";

pub(super) fn check(operations: &[Operation], order: &Order) -> Vec<Violation> {
    let mut violations = lost(CHECK, operations, order, |id| id.is_some());
    for (key, id, write) in acknowledged(operations) {
        let mints = order.written(key, id, write);
        // A minter that had missed something mints again on top of it, under the same timestamp.
        let minter = |mint: &Mint| (mint.rank.0, mint.rank.1.node);
        let minters: BTreeSet<_> = mints.iter().map(minter).collect();
        if mints.is_empty() {
            violations.push(Violation::new(CHECK, Some(key), format!("never minted: {write}")));
        }
        if id.is_some() && minters.len() > 1 {
            violations.push(Violation::new(CHECK, Some(key), format!("minted twice: {write}")));
        }
    }
    violations
}

/// All rows that were written and acknowledged.
fn acknowledged(operations: &[Operation]) -> impl Iterator<Item = (&Key, Option<Id>, &Operation)> {
    let done = operations.iter().filter(|operation| operation.outcome == Outcome::Done);
    done.flat_map(|operation| {
        let writes = match &operation.action {
            Action::Write(writes) => Some(writes),
            Action::Read => None,
        };
        writes.into_iter().flatten().map(move |(key, id)| (key, *id, operation))
    })
}

/// Reads that should have seen an acknowledged write, of those that `is_meant` picks, and did not.
pub(super) fn lost(
    check: &'static str,
    operations: &[Operation],
    order: &Order,
    is_meant: impl Fn(Option<Id>) -> bool,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (key, id, write) in acknowledged(operations).filter(|(_, id, _)| is_meant(*id)) {
        let (Some(written_by), mints) = (write.end, order.written(key, id, write)) else {
            continue;
        };
        for read in operations.iter().filter(|read| read.start > written_by) {
            let (Outcome::Found(found), Some(end)) = (&read.outcome, read.end) else { continue };
            let Some(found) = found.get(key) else { continue };
            if *found != id && !order.allows(key, *found, &mints, end) {
                let what = format!("\n    acknowledged: {write}\n    read later:   {read}");
                violations.push(Violation::new(check, Some(key), what));
                break;
            }
        }
    }
    violations
}
