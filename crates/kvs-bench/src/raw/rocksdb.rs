//! RocksDB.

use std::path::Path;

use kvs_core::engine::rocksdb::Tuning;
use kvs_core::prefix_end;
use rocksdb::{DB, ReadOptions, WriteBatch};

use super::{Pair, Raw};
use crate::Result;

pub(super) fn open(folder: &Path) -> Result<DB> {
    let mut options = Tuning::default().options();
    options.create_if_missing(true);
    Ok(DB::open(&options, folder)?)
}

impl Raw for DB {
    fn put(&self, key: &[u8], value: &[u8]) -> Result {
        Ok(self.put(key, value)?)
    }

    fn get(&self, key: &[u8]) -> Result<usize> {
        Ok(self.get(key)?.map_or(0, |value| value.len()))
    }

    fn batch(&self, pairs: &[Pair]) -> Result {
        let mut batch = WriteBatch::default();
        for (key, value) in pairs {
            batch.put(key, value);
        }
        Ok(self.write(batch)?)
    }

    fn each(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> Result) -> Result {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(prefix);
        if let Some(end) = prefix_end(prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mut rows = self.raw_iterator_opt(options);
        rows.seek_to_first();
        while let Some((key, value)) = rows.item() {
            visit(key, value)?;
            rows.next();
        }
        Ok(rows.status()?)
    }
}
