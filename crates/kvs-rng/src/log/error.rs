//! What can go wrong with a command, as callers are told.

use kvs_core::{DbaError, Outcome};

use crate::identity::NodeId;

const COMMAND: &str = "command";

/// This node can't do it; another one may.
pub(super) fn elsewhere(reason: &str) -> DbaError {
    ring(format!("this node can't: {reason}"), Outcome::NotApplied)
}

/// Too much waits at the bucket's owner.
pub(super) fn busy(what: &str) -> DbaError {
    ring(format!("the owner of the bucket is busy: {what}"), Outcome::NotApplied)
}

/// Another node owns the bucket.
pub(super) fn not_owner(name: &[u8], owner: Option<NodeId>) -> DbaError {
    DbaError::NotOwner {
        name: name.escape_ascii().to_string(),
        owner: owner.map(|owner| owner.to_string()),
    }
}

/// No majority answered in time.
pub(super) fn no_majority(voters: usize, what: &'static str, outcome: Outcome) -> DbaError {
    DbaError::Quorum {
        operation: what,
        needed: voters / 2 + 1,
        answered: Vec::new(),
        failed: vec![format!("too few of the {voters} replicas answered in time")],
        outcome,
    }
}

/// It may or may not have been committed.
pub(super) fn lost(outcome: Outcome) -> DbaError {
    ring("the owner of the bucket changed".to_owned(), outcome)
}

fn ring(reason: String, outcome: Outcome) -> DbaError {
    DbaError::Ring { operation: COMMAND, reason, outcome, is_retryable: true }
}
