//! An ordered map in memory, for tests and caches.
//!
//! Nothing outlives the process. A scan holds off writers while it visits, so that it sees one
//! moment.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use super::{Engine, EngineResult, Visit, Wait, WriteSet};
use crate::scan::{EVERYTHING, Order, Range, is_empty};

/// The memory engine.
#[derive(Debug, Default)]
pub struct Memory {
    // A writer that panics leaves the map whole: poisoning carries no news.
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Engine for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn get(&self, key: &[u8], _: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = rows.get(key) {
            found(value);
        }
        Ok(())
    }

    fn write(&self, writes: &WriteSet, _: bool, _: Wait) -> EngineResult<()> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in writes.iter() {
            match value {
                Some(value) => drop(rows.insert(key.to_vec(), value.to_vec())),
                None => drop(rows.remove(key)),
            }
        }
        Ok(())
    }

    fn scan(&self, range: &Range, order: Order, _: Wait, visit: Visit<'_>) -> EngineResult<()> {
        if is_empty(range) {
            return Ok(());
        }
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let found = rows.range(range.clone());
        let mut visit = |(key, value): (&Vec<u8>, &Vec<u8>)| visit(key, value);
        let _: ControlFlow<()> = match order {
            Order::Ascending => found.into_iter().try_for_each(&mut visit),
            Order::Descending => found.into_iter().rev().try_for_each(&mut visit),
        };
        Ok(())
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.scan(&EVERYTHING, Order::Ascending, Wait::Allowed, visit)
    }

    fn sync(&self, _: Wait) -> EngineResult<()> {
        Ok(())
    }

    fn compact(&self) -> EngineResult<()> {
        Ok(())
    }
}
