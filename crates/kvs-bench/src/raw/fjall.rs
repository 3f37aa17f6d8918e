//! fjall.

use std::path::Path;

use fjall::{Database, Keyspace};
use kvs_core::engine::fjall::Tuning;

use super::{Pair, Raw};
use crate::Result;

pub(super) struct Fjall {
    db: Database,
    rows: Keyspace,
}

pub(super) fn open(folder: &Path) -> Result<Fjall> {
    let tuning = Tuning::default();
    let db = tuning.database(folder).open()?;
    let rows = db.keyspace("rows", || tuning.keyspace())?;
    Ok(Fjall { db, rows })
}

impl Raw for Fjall {
    fn put(&self, key: &[u8], value: &[u8]) -> Result {
        Ok(self.rows.insert(key, value)?)
    }

    fn get(&self, key: &[u8]) -> Result<usize> {
        Ok(self.rows.get(key)?.map_or(0, |value| value.len()))
    }

    fn batch(&self, pairs: &[Pair]) -> Result {
        let mut batch = self.db.batch();
        for (key, value) in pairs {
            batch.insert(&self.rows, key.as_slice(), value.as_slice());
        }
        Ok(batch.commit()?)
    }

    fn each(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> Result) -> Result {
        for row in self.rows.prefix(prefix) {
            let (key, value) = row.into_inner()?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}
