//! What must hold of every run.

mod acknowledged;
mod batches;
mod converged;
mod deleted;
mod entities;
mod order;
mod refused;
#[cfg(test)]
mod tests;

use std::fmt;

use kvs_core::Key;

use crate::replicas::Replicas;
use crate::world::World;

pub use order::Order;

/// Something that must not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which check says so.
    pub check: &'static str,
    /// The key it is about.
    pub key: Option<Key>,
    /// What happened.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(check: &'static str, key: Option<&Key>, what: String) -> Self {
        Self { check, key: key.cloned(), what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{} ({key}): {}", self.check, self.what),
            None => write!(f, "{}: {}", self.check, self.what),
        }
    }
}

/// Runs all checks.
pub(crate) fn all(world: &World) -> Vec<Violation> {
    let operations = world.history.operations();
    let order = Order::new(world.mints.by_key());
    let doubles = world.mints.doubles();
    let mut violations: Vec<_> =
        doubles.into_iter().map(|what| Violation::new("dots", None, what)).collect();
    violations.extend(acknowledged::check(&operations, &order));
    violations.extend(deleted::check(&operations, &order));
    violations.extend(refused::check(&operations, &order));
    violations.extend(batches::check(&operations, &order));
    violations.extend(converged::check(&Replicas::of(world)));
    violations.extend(entities::check(&world.calls.all(), world.scenario.nodes));
    violations
}
