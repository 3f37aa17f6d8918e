//! fjall: a log-structured merge tree in pure Rust.
//!
//! Each [`RowKind`] has its keyspace. A write goes to one journal for all keyspaces, and from there
//! to the page cache, before it is acknowledged; with `sync`, to the disk. Reads go through a
//! snapshot, so that they see all of a batch or nothing of it: fjall's plain reads may see the part
//! of one that has reached the memtable.
//!
//! # Waiting
//! fjall can't say whether a read would need the disk. So reads are answered at once while the
//! tables of the whole store are no larger than the cache, and wait otherwise; memtables are in
//! memory anyway. A write waits while a sync is under way, as both need the journal, and when
//! flushes and compactions have fallen so far behind that fjall would hold the writer back.
//!
//! # Caveats
//! - Where its journal makes no sense any more fjall takes it for ended, as after a loss of power.
//!   If that place is damage in the middle, unflushed writes after it are gone and nobody says so.
//!   Damage to what a batch holds is found by its checksum and refused, and so is damage to tables.
//! - The journal is rotated after 64 MB, whatever the size of the file system.
//!   [`compact`](Engine::compact) begins it anew, if nobody uses the store at that moment.
//! - fjall doesn't look whether there is room for merging tables. The store's reserve makes it
//!   unlikely that it meets a full disk there; if it does, writes are refused until the store is
//!   opened again. Nothing that was acknowledged is lost.

mod database;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, TryLockError};

use fjall::compaction::Leveled;
use fjall::{DatabaseBuilder, Iter, KeyspaceCreateOptions, PersistMode, Readable};

use super::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use crate::error::Result;
use crate::format::stored_key::RowKind;
use crate::scan::{Order, Range, half_open, is_empty};
use crate::store::Folder;
use database::Database;

/// Sizes of fjall's memory.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Bytes of blocks kept for reads. More is faster up to the size of the data; while all tables
    /// fit in here, reads are answered on the caller's thread.
    pub cache_bytes: u64,
    /// Bytes of writes that each keyspace collects before they go to a sorted file.
    pub write_buffer_bytes: u64,
}

impl Default for Tuning {
    /// 256 MiB of blocks, 64 MiB of writes.
    fn default() -> Self {
        Self { cache_bytes: 256 << 20, write_buffer_bytes: 64 << 20 }
    }
}

impl Tuning {
    /// The builder of a database in `path`.
    pub fn database(&self, path: &Path) -> DatabaseBuilder<fjall::Database> {
        // 64 MiB is the least that fjall takes.
        let journals_bytes = (4 * self.write_buffer_bytes).max(64 << 20);
        fjall::Database::builder(path)
            .cache_size(self.cache_bytes)
            .max_journaling_size(journals_bytes)
    }

    /// The options of every keyspace in it.
    pub fn keyspace(&self) -> KeyspaceCreateOptions {
        // Tables are as large as the buffer, as in fjall's defaults: where that is small, so are
        // compactions.
        let levels = Leveled::default().with_table_target_size(self.write_buffer_bytes);
        KeyspaceCreateOptions::default()
            .max_memtable_size(self.write_buffer_bytes)
            .compaction_strategy(Arc::new(levels))
    }
}

/// The fjall engine.
pub struct Fjall {
    /// `None` after it was closed to compact it and could not be opened again.
    database: RwLock<Option<Database>>,
    tuning: Tuning,
    load: Load,
    // Last, so that the lock is held until the database is closed.
    folder: Folder,
}

/// What is known of how busy the database is and how large.
#[derive(Default)]
struct Load {
    tables_bytes: AtomicU64,
    holds_writers_back: AtomicBool,
    /// Bytes written since the above were taken.
    written_bytes: AtomicU64,
    /// Syncs under way.
    syncs: AtomicUsize,
}

impl Fjall {
    /// Opens or creates the store in `path`, with memory sized by `tuning`.
    ///
    /// On a small file system the write buffer shrinks with it, so that there is room to flush it.
    pub fn open(path: &Path, tuning: Tuning) -> Result<Self> {
        let folder = Folder::open(path, "fjall")?;
        let write_buffer_bytes_max = folder.write_buffer_bytes_max() as u64;
        let write_buffer_bytes = tuning.write_buffer_bytes.min(write_buffer_bytes_max);
        let tuning = Tuning { write_buffer_bytes, ..tuning };
        if !folder.is_new()
            && let Some(missing) = database::missing_file(folder.data())
        {
            return Err(folder.problem("a file of fjall is missing", missing));
        }
        let database = Database::open(folder.data(), &tuning)
            .map_err(|error| folder.problem("fjall can't open its data", error))?;
        folder.ready()?;
        let load = Load::default();
        load.measure(&database);
        Ok(Self { database: RwLock::new(Some(database)), tuning, load, folder })
    }

    /// Does `work` on the database.
    fn with<T>(
        &self,
        wait: Wait,
        work: impl FnOnce(&Database) -> EngineResult<T>,
    ) -> EngineResult<T> {
        let database = match wait {
            Wait::Allowed => self.database.read().unwrap_or_else(PoisonError::into_inner),
            Wait::Never => match self.database.try_read() {
                Ok(database) => database,
                Err(TryLockError::Poisoned(database)) => database.into_inner(),
                Err(TryLockError::WouldBlock) => return Err(EngineError::WouldBlock),
            },
        };
        match &*database {
            Some(database) => work(database),
            None => Err(EngineError::read(
                "it was closed to compact it and could not be opened again; open the store again",
            )),
        }
    }

    fn read<T>(
        &self,
        wait: Wait,
        work: impl FnOnce(&Database) -> EngineResult<T>,
    ) -> EngineResult<T> {
        let tables_bytes = self.load.tables_bytes.load(Ordering::Relaxed);
        if wait == Wait::Never && tables_bytes > self.tuning.cache_bytes {
            return Err(EngineError::WouldBlock);
        }
        self.with(wait, work)
    }

    /// Compacting writes all tables again before the old ones go, and fjall would not go on after it
    /// had met a full disk on the way.
    fn check_room(&self) -> EngineResult<()> {
        let needed = self.with(Wait::Allowed, |database| Ok(database.tables_bytes()))?
            + self.tuning.write_buffer_bytes;
        match self.folder.free_bytes() {
            Some(free) if free < needed => Err(EngineError::read(format!(
                "it would need {needed} bytes, and {free} are free on the disk of {}",
                self.folder.path().display()
            ))),
            _ => Ok(()),
        }
    }

    /// Begins the journal anew, unless somebody is using the database.
    fn renew_journal(&self) -> EngineResult<()> {
        let Ok(mut database) = self.database.try_write() else { return Ok(()) };
        let Some(open) = database.as_ref() else { return Ok(()) };
        open.flush().map_err(EngineError::write)?;
        *database = None;
        let emptied = database::empty_journals(self.folder.data());
        let reopened = Database::open(self.folder.data(), &self.tuning);
        *database = Some(reopened.map_err(EngineError::write)?);
        emptied.map_err(EngineError::write)
    }
}

impl Load {
    fn measure(&self, database: &Database) {
        self.written_bytes.store(0, Ordering::Relaxed);
        self.tables_bytes.store(database.tables_bytes(), Ordering::Relaxed);
        self.holds_writers_back.store(database.holds_writers_back(), Ordering::Relaxed);
    }

    fn syncing<T>(&self, sync: impl FnOnce() -> T) -> T {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let synced = sync();
        self.syncs.fetch_sub(1, Ordering::Relaxed);
        synced
    }

    /// Whether a write might have to wait.
    fn is_busy(&self) -> bool {
        self.syncs.load(Ordering::Relaxed) > 0 || self.holds_writers_back.load(Ordering::Relaxed)
    }
}

impl Engine for Fjall {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.folder.path())
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        self.read(wait, |database| {
            let value = database.snapshot().get(database.keyspace(key)?, key);
            if let Some(value) = value.map_err(EngineError::read)? {
                found(&value);
            }
            Ok(())
        })
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never && (sync || self.load.is_busy()) {
            return Err(EngineError::WouldBlock);
        }
        self.with(wait, |database| {
            if sync {
                self.load.syncing(|| database.write(writes, PersistMode::SyncAll))?;
            } else {
                database.write(writes, PersistMode::Buffer)?;
            }
            let bytes = writes.bytes() as u64;
            let written_bytes = self.load.written_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if written_bytes > self.tuning.write_buffer_bytes / 16 {
                self.load.measure(database);
            }
            Ok(())
        })
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        if is_empty(range) {
            return Ok(());
        }
        self.read(wait, |database| {
            let keyspace = database.keyspace(&half_open(range).0)?;
            let rows = database.snapshot().range(keyspace, range.clone());
            walk(rows, order, visit).map(drop)
        })
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.with(Wait::Allowed, |database| {
            let snapshot = database.snapshot();
            for kind in RowKind::ALL {
                let rows = snapshot.iter(database.keyspace(&[kind as u8])?);
                if walk(rows, Order::Ascending, visit)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        self.with(wait, |database| {
            self.load.syncing(|| database.sync())?;
            self.load.measure(database);
            Ok(())
        })
    }

    fn compact(&self) -> EngineResult<()> {
        self.check_room()?;
        self.with(Wait::Allowed, |database| database.compact().map_err(EngineError::write))?;
        self.renew_journal()?;
        self.with(Wait::Allowed, |database| {
            self.load.measure(database);
            Ok(())
        })
    }
}

fn walk(mut rows: Iter, order: Order, visit: Visit<'_>) -> EngineResult<ControlFlow<()>> {
    let next = || match order {
        Order::Ascending => rows.next(),
        Order::Descending => rows.next_back(),
    };
    for row in std::iter::from_fn(next) {
        let (key, value) = row.into_inner().map_err(EngineError::read)?;
        if visit(&key, &value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
