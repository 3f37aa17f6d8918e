//! An ordered map in memory, for tests and caches.
//!
//! Nothing outlives the process. A scan of a range holds off writers while it visits, so that it sees
//! one moment. A scan of everything, which may wait for whoever reads it, holds off nobody: the first
//! write meanwhile goes to a copy of the map.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Engine, EngineResult, Visit, Wait, WriteSet};
use crate::scan::{Order, Range, is_empty};

/// The memory engine.
#[derive(Debug, Default)]
pub struct Memory {
    // A writer that panics leaves the map whole: poisoning carries no news.
    rows: RwLock<Arc<Rows>>,
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Visits rows until `visit` has enough.
fn walk<'a>(mut rows: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>, visit: Visit<'_>) {
    let _: ControlFlow<()> = rows.try_for_each(|(key, value)| visit(key, value));
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
        let rows = Arc::make_mut(&mut rows);
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
        match order {
            Order::Ascending => walk(found, visit),
            Order::Descending => walk(found.rev(), visit),
        }
        Ok(())
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner).clone();
        walk(rows.iter(), visit);
        Ok(())
    }

    fn sync(&self, _: Wait) -> EngineResult<()> {
        Ok(())
    }

    fn compact(&self) -> EngineResult<()> {
        Ok(())
    }
}
