//! The database: its keyspaces, its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fjall::{Keyspace, PersistMode, Snapshot};

use super::Tuning;
use crate::engine::{EngineError, EngineResult, WriteSet};
use crate::format::stored_key::RowKind;

/// fjall holds writers back from this many sealed memtables of a keyspace on.
const SEALED_MEMTABLES_MAX: usize = 4;
/// fjall holds writers back from this many tables on the first level of a keyspace on.
const FIRST_TABLES_MAX: usize = 20;
/// How long to wait before looking again whether a memtable has been flushed.
const FLUSH_POLL: Duration = Duration::from_millis(5);

/// An open database with a keyspace for each kind.
pub(super) struct Database {
    // Before the database, which is closed when the last of its handles goes.
    keyspaces: BTreeMap<RowKind, Keyspace>,
    database: fjall::Database,
}

impl Database {
    /// Opens the database in `data`, or creates it.
    pub(super) fn open(data: &Path, tuning: &Tuning) -> fjall::Result<Self> {
        let database = tuning.database(data).open()?;
        let keyspace = |kind: RowKind| database.keyspace(kind.name(), || tuning.keyspace());
        let keyspaces = RowKind::ALL.into_iter().map(|kind| Ok((kind, keyspace(kind)?)));
        Ok(Self { keyspaces: keyspaces.collect::<fjall::Result<_>>()?, database })
    }

    /// The keyspace of a stored key.
    pub(super) fn keyspace(&self, key: &[u8]) -> EngineResult<&Keyspace> {
        let kind = RowKind::of(key).map_err(EngineError::read)?;
        let keyspace = self.keyspaces.get(&kind);
        keyspace.ok_or_else(|| EngineError::read(format!("no keyspace {}", kind.name())))
    }

    /// All rows as they are now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.database.snapshot()
    }

    /// Applies all writes or none; they are then as safe as `mode` says.
    pub(super) fn write(&self, writes: &WriteSet, mode: PersistMode) -> EngineResult<()> {
        let mut each = writes.iter();
        if let (Some((key, value)), None, PersistMode::Buffer) = (each.next(), each.next(), mode) {
            let keyspace = self.keyspace(key)?;
            let written = match value {
                Some(value) => keyspace.insert(key, value),
                None => keyspace.remove(key),
            };
            return written.map_err(EngineError::write);
        }
        let mut batch = self.database.batch().durability(Some(mode));
        for (key, value) in writes.iter() {
            let keyspace = self.keyspace(key)?;
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        batch.commit().map_err(EngineError::write)
    }

    /// Brings the journal to the disk.
    pub(super) fn sync(&self) -> EngineResult<()> {
        self.database.persist(PersistMode::SyncAll).map_err(EngineError::write)
    }

    /// Writes what is only in the journal and in memory to tables.
    pub(super) fn flush(&self) -> fjall::Result<()> {
        for keyspace in self.each_keyspace() {
            keyspace.rotate_memtable()?;
        }
        while self.each_keyspace().any(|keyspace| keyspace.sealed_memtable_count() > 0) {
            // If a flush fails fjall poisons the database, and this says so.
            self.database.persist(PersistMode::Buffer)?;
            std::thread::sleep(FLUSH_POLL);
        }
        Ok(())
    }

    /// Merges all tables, and all writes so far.
    pub(super) fn compact(&self) -> fjall::Result<()> {
        self.flush()?;
        self.each_keyspace().try_for_each(Keyspace::major_compact)
    }

    /// Bytes of all tables.
    pub(super) fn tables_bytes(&self) -> u64 {
        self.each_keyspace().map(Keyspace::disk_space).sum()
    }

    /// Whether fjall makes writers wait for flushes and compactions.
    pub(super) fn holds_writers_back(&self) -> bool {
        self.each_keyspace().any(|keyspace| {
            keyspace.sealed_memtable_count() >= SEALED_MEMTABLES_MAX
                || keyspace.l0_table_count() >= FIRST_TABLES_MAX
        })
    }

    fn each_keyspace(&self) -> impl Iterator<Item = &Keyspace> {
        self.keyspaces.values()
    }
}

/// A file without which fjall would begin anew, in part or wholly, where there should be a database.
pub(super) fn missing_file(data: &Path) -> Option<String> {
    // fjall numbers keyspaces in the order of their creation, after one of its own.
    let keyspaces = (0..=RowKind::ALL.len())
        .map(|number| data.join("keyspaces").join(number.to_string()).join("current"));
    let missing =
        std::iter::once(data.join("version")).chain(keyspaces).find(|path| !path.exists());
    match missing {
        Some(path) => Some(path.display().to_string()),
        None if journals(data).is_ok_and(|paths| paths.is_empty()) => {
            Some("the journal".to_owned())
        }
        None => None,
    }
}

/// Empties the journals of a database that is closed and has no use for them.
pub(super) fn empty_journals(data: &Path) -> io::Result<()> {
    for path in journals(data)? {
        let file = File::options().write(true).open(path)?;
        file.set_len(0)?;
        file.sync_all()?;
    }
    Ok(())
}

fn journals(data: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(data)?.map(|entry| Ok(entry?.path()));
    paths.filter(|path| path.as_ref().map_or(true, |path| is_journal(path))).collect()
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}
