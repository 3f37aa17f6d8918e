//! RocksDB, the default engine on disk.
//!
//! Each [`RowKind`] has its column family. Blocks are compressed with LZ4; files of the write-ahead
//! log are recycled, which makes durable writes cheaper. A read that memtables and block cache can
//! answer is answered at once; one that needs the disk says so first, unless the whole store is no
//! larger than the block cache: then each block is read from disk once at most, and a change of
//! threads would cost more than that. A write waits only for the log in the page cache, unless it is
//! to be synced or RocksDB is holding writers back.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRawIterator, ErrorKind, Options, ReadOptions, ReadTier, WriteBatch, WriteOptions, properties,
};

use super::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use crate::error::{Outcome, Result};
use crate::format::stored_key::RowKind;
use crate::scan::{Order, Range, half_open};
use crate::store::Folder;

/// What RocksDB puts before a batch, and at most before each write in it.
const BATCH_HEADER_BYTES: usize = 12;
const RECORD_HEADER_BYTES: usize = 16;

/// After so many reads it is asked again how large the store is.
const READS_BETWEEN_LOOKS: u32 = 4_096;

/// Sizes of RocksDB's memory.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Bytes of uncompressed blocks kept for reads. More is faster up to the size of the data.
    pub block_cache_bytes: usize,
    /// Bytes of writes collected before they go to a sorted file, over all column families.
    pub write_buffer_bytes: usize,
}

impl Default for Tuning {
    /// 256 MiB of blocks, 64 MiB of writes.
    fn default() -> Self {
        Self { block_cache_bytes: 256 << 20, write_buffer_bytes: 64 << 20 }
    }
}

impl Tuning {
    /// The options of the database and of every column family in it.
    pub fn options(&self) -> Options {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(self.block_cache_bytes));
        blocks.set_bloom_filter(10.0, false);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);

        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_size(self.write_buffer_bytes);
        options.set_db_write_buffer_size(self.write_buffer_bytes);
        // Most keys that are written are new, and most that are read have left the write buffer long ago.
        options.set_memtable_prefix_bloom_ratio(0.05);
        options.set_memtable_whole_key_filtering(true);
        options.set_max_total_wal_size(4 * self.write_buffer_bytes as u64);
        options.set_manifest_preallocation_size(64 << 10);
        options.set_recycle_log_file_num(2);
        options.set_max_background_jobs(2);
        options.set_keep_log_file_num(4);
        options
    }
}

/// The RocksDB engine.
pub struct RocksDb {
    db: DB,
    size: Size,
    read_cached: ReadOptions,
    read: ReadOptions,
    write_at_once: WriteOptions,
    write: WriteOptions,
    write_synced: WriteOptions,
    // Last, so that the lock is held until the database is closed.
    folder: Folder,
}

impl RocksDb {
    /// Opens or creates the store in `path`, with memory sized by `tuning`.
    ///
    /// On a small file system the write buffer shrinks with it, so that there is room to flush it.
    pub fn open(path: &Path, tuning: Tuning) -> Result<Self> {
        let folder = Folder::open(path, "rocksdb")?;
        let write_buffer_bytes = tuning.write_buffer_bytes.min(folder.write_buffer_bytes_max());
        let mut options = Tuning { write_buffer_bytes, ..tuning }.options();
        if write_buffer_bytes < tuning.write_buffer_bytes {
            bound_compactions(&mut options, write_buffer_bytes);
        }
        options.create_if_missing(folder.is_new());
        options.create_missing_column_families(folder.is_new());
        let families =
            RowKind::ALL.map(|kind| ColumnFamilyDescriptor::new(kind.name(), options.clone()));
        let db = DB::open_cf_descriptors(&options, folder.data(), families)
            .map_err(|error| folder.problem("RocksDB can't open its data", error))?;
        folder.ready()?;

        let mut write_at_once = WriteOptions::default();
        write_at_once.set_no_slowdown(true);
        let mut write_synced = WriteOptions::default();
        write_synced.set_sync(true);
        Ok(Self {
            db,
            size: Size { cache_bytes: tuning.block_cache_bytes as u64, ..Size::default() },
            read_cached: read_options(Wait::Never),
            read: read_options(Wait::Allowed),
            write_at_once,
            write: WriteOptions::default(),
            write_synced,
            folder,
        })
    }

    fn family(&self, key: &[u8]) -> EngineResult<&ColumnFamily> {
        let kind = RowKind::of(key).map_err(EngineError::read)?;
        let family = self.db.cf_handle(kind.name());
        family.ok_or_else(|| EngineError::read(format!("no column family {}", kind.name())))
    }

    /// How many flushes and compactions have failed since the database was opened.
    fn background_errors(&self) -> EngineResult<u64> {
        let errors = self.db.property_int_value(properties::BACKGROUND_ERRORS);
        Ok(errors.map_err(EngineError::read)?.unwrap_or(0))
    }
}

/// How large the files of the store are, compared with the cache for their blocks.
#[derive(Default)]
struct Size {
    cache_bytes: u64,
    reads: AtomicU32,
    exceeds_cache: AtomicBool,
}

impl Size {
    /// Whether a read that was asked for with `wait` may go to the files.
    fn patience(&self, wait: Wait, db: &DB) -> Wait {
        if self.reads.fetch_add(1, Ordering::Relaxed).is_multiple_of(READS_BETWEEN_LOOKS) {
            let bytes = |kind: RowKind| {
                let family = db.cf_handle(kind.name())?;
                db.property_int_value_cf(family, properties::LIVE_SST_FILES_SIZE).ok()?
            };
            // What isn't known counts as too large.
            let bytes = RowKind::ALL.iter().try_fold(0, |sum, kind| Some(sum + bytes(*kind)?));
            let exceeds = bytes.is_none_or(|bytes| bytes > self.cache_bytes);
            self.exceeds_cache.store(exceeds, Ordering::Relaxed);
        }
        if self.exceeds_cache.load(Ordering::Relaxed) { wait } else { Wait::Allowed }
    }
}

impl Engine for RocksDb {
    fn name(&self) -> &'static str {
        "rocksdb"
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.folder.path())
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        let options = match self.size.patience(wait, &self.db) {
            Wait::Never => &self.read_cached,
            Wait::Allowed => &self.read,
        };
        let value = self.db.get_pinned_cf_opt(self.family(key)?, key, options);
        if let Some(value) = value.map_err(|error| failed(error, EngineError::read))? {
            found(&value);
        }
        Ok(())
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        let options = match (sync, wait) {
            (true, Wait::Never) => return Err(EngineError::WouldBlock),
            (true, Wait::Allowed) => &self.write_synced,
            (false, Wait::Never) => &self.write_at_once,
            (false, Wait::Allowed) => &self.write,
        };
        let mut batch = WriteBatch::with_capacity_bytes(
            BATCH_HEADER_BYTES + writes.bytes() + writes.len() * RECORD_HEADER_BYTES,
        );
        let mut of_kind = None;
        for (key, value) in writes.iter() {
            // Most batches are of one kind: its family is looked up once.
            let family = match of_kind {
                Some((kind, family)) if kind == key.first() => family,
                _ => self.family(key)?,
            };
            of_kind = Some((key.first(), family));
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        self.db.write_opt(batch, options).map_err(|error| failed(error, EngineError::write))
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        let (start, end) = half_open(range);
        let family = self.family(&start)?;
        let mut options = read_options(self.size.patience(wait, &self.db));
        options.set_iterate_lower_bound(start);
        if let Some(end) = end {
            options.set_iterate_upper_bound(end);
        }
        walk(self.db.raw_iterator_cf_opt(family, options), order, visit).map(drop)
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        let snapshot = self.db.snapshot();
        for kind in RowKind::ALL {
            let rows = snapshot.raw_iterator_cf(self.family(&[kind as u8])?);
            if walk(rows, Order::Ascending, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        self.db.flush_wal(true).map_err(EngineError::write)
    }

    fn compact(&self) -> EngineResult<()> {
        let failed_before = self.background_errors()?;
        for kind in RowKind::ALL {
            let family = self.family(&[kind as u8])?;
            self.db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        }
        // The call itself doesn't tell.
        if self.background_errors()? > failed_before {
            return Err(EngineError::Failed {
                outcome: Outcome::NotApplied,
                source: "work in the background failed; RocksDB's file LOG says why".into(),
            });
        }
        Ok(())
    }
}

/// Keeps compactions small on a small file system: a file of a level and the ten that it overlaps in
/// the next fit into what the store keeps in reserve, and writers are held back before work piles up
/// that would not. On a large one bursts are worth more than the last GiB.
fn bound_compactions(options: &mut Options, write_buffer_bytes: usize) {
    let buffers = |count: usize| count * write_buffer_bytes;
    options.set_target_file_size_base(buffers(1) as u64);
    options.set_max_bytes_for_level_base(buffers(4) as u64);
    options.set_max_compaction_bytes(buffers(10) as u64);
    options.set_level_zero_slowdown_writes_trigger(6);
    options.set_level_zero_stop_writes_trigger(8);
    options.set_soft_pending_compaction_bytes_limit(buffers(8));
    options.set_hard_pending_compaction_bytes_limit(buffers(12));
}

fn read_options(wait: Wait) -> ReadOptions {
    let mut options = ReadOptions::default();
    if wait == Wait::Never {
        options.set_read_tier(ReadTier::BlockCache);
    }
    options
}

fn walk(
    mut rows: DBRawIterator<'_>,
    order: Order,
    visit: Visit<'_>,
) -> EngineResult<ControlFlow<()>> {
    match order {
        Order::Ascending => rows.seek_to_first(),
        Order::Descending => rows.seek_to_last(),
    }
    while let Some((key, value)) = rows.item() {
        if visit(key, value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match order {
            Order::Ascending => rows.next(),
            Order::Descending => rows.prev(),
        }
    }
    rows.status().map_err(|error| failed(error, EngineError::read))?;
    Ok(ControlFlow::Continue(()))
}

/// RocksDB says *incomplete* for what it was told not to wait for.
fn failed(error: rocksdb::Error, other: fn(rocksdb::Error) -> EngineError) -> EngineError {
    match error.kind() {
        ErrorKind::Incomplete => EngineError::WouldBlock,
        _ => other(error),
    }
}
