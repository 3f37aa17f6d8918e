//! LevelDB, as ported to Rust in the crate `rusty-leveldb`.
//!
//! **Not for data that you care about.** The author of that crate doesn't vouch for it: by its own
//! description it is not battle-tested. Reading it and trying it out showed faults that lose data;
//! this engine goes around those that it knows of (`database` and `disk` name them), which costs
//! some of LevelDB's speed. Take RocksDB, or fjall where there is no C++ compiler, unless you need
//! LevelDB.
//!
//! The database is for one thread, so it has a thread of its own (`owner`), and every call waits
//! for that. A scan reads from it in parts, so that its memory is bounded, and sees one moment: the
//! tables and the memtable there were when it began are kept until it ends.
//!
//! # Costs
//! - A descending scan finds each part of 256 rows from the front, in some tens of steps of the
//!   database, as going backward is one of the faults.
//! - A write after every 4 MiB waits until they are in a table, and everything else waits with it.
//!   So it is while [`compact`](Engine::compact) works.
//!
//! # Failures
//! The first read or write that fails, and the first damaged block that is read, end the database:
//! each call from then on is an error that names the file. What was acknowledged is found when the
//! store is opened again. What a loss of power does to the end of a log can't be told from damage in
//! every case; then the log is refused.

mod crc32c;
mod database;
mod disk;
mod keys;
mod log;
mod owner;
mod table;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::fs;
use std::io;
use std::path::Path;

use rusty_leveldb::WriteBatch;

use super::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use crate::error::Result;
use crate::scan::{EVERYTHING, Order, Range, half_open, is_empty};
use crate::store::Folder;
use database::{Database, Part, Row, ScanId};
use owner::Owner;

/// Bytes of writes collected before they go to a table.
const WRITE_BUFFER_BYTES: usize = 4 << 20;

/// Why the database did not do what it was asked.
type Failure = Box<dyn StdError + Send + Sync>;

/// The LevelDB engine.
pub struct LevelDb {
    owner: Owner,
    // Last, so that the lock is held until the database is closed.
    folder: Folder,
}

impl LevelDb {
    /// Opens or creates the store in `path`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, WRITE_BUFFER_BYTES)
    }

    fn open_with(path: &Path, write_buffer_bytes: usize) -> Result<Self> {
        let folder = Folder::open(path, "leveldb")?;
        let (data, is_new) = (folder.data().to_owned(), folder.is_new());
        let has_log = has_log(&data).map_err(|error| folder.problem("its data is lost", error))?;
        if !is_new && !has_log {
            return Err(folder.problem("its data is lost", "there is no log"));
        }
        let write_buffer_bytes = write_buffer_bytes.min(folder.write_buffer_bytes_max());
        let owner = Owner::start(move || Database::open(data, is_new, write_buffer_bytes))
            .map_err(|error| folder.problem("LevelDB can't open its data", error))?;
        folder.ready()?;
        Ok(Self { owner, folder })
    }

    /// Visits the rows of a range, part by part.
    fn visit(
        &self,
        (mut from, mut to): (Vec<u8>, Option<Vec<u8>>),
        order: Order,
        visit: Visit<'_>,
    ) -> std::result::Result<(), Failure> {
        let scan = Scan::begin(&self.owner)?;
        loop {
            let Part { rows, rest, .. } = scan.part(&from, &to, order)?;
            let each: &mut dyn Iterator<Item = Row> = match order {
                Order::Ascending => &mut rows.into_iter(),
                Order::Descending => &mut rows.into_iter().rev(),
            };
            for (key, value) in each {
                if visit(&key, &value).is_break() {
                    return Ok(());
                }
            }
            match (rest, order) {
                (None, _) => return Ok(()),
                (Some(rest), Order::Ascending) => from = rest,
                (Some(rest), Order::Descending) => to = Some(rest),
            }
        }
    }
}

/// A scan that ends when this is dropped.
struct Scan<'a> {
    owner: &'a Owner,
    id: ScanId,
}

impl<'a> Scan<'a> {
    fn begin(owner: &'a Owner) -> std::result::Result<Self, Failure> {
        let id = owner.ask(Database::begin_scan)?;
        Ok(Self { owner, id })
    }

    fn part(
        &self,
        from: &[u8],
        to: &Option<Vec<u8>>,
        order: Order,
    ) -> std::result::Result<Part, Failure> {
        let (id, from, to) = (self.id, from.to_vec(), to.clone());
        self.owner.ask(move |database| match order {
            Order::Ascending => database.first(id, &from, to.as_deref()),
            Order::Descending => database.last(id, &from, to.as_deref()),
        })
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        let id = self.id;
        self.owner.tell(move |database| database.end_scan(id));
    }
}

impl Engine for LevelDb {
    fn name(&self) -> &'static str {
        "leveldb"
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.folder.path())
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        may_wait(wait)?;
        let key = key.to_vec();
        let value =
            self.owner.ask(move |database| database.get(&key)).map_err(EngineError::read)?;
        if let Some(value) = value {
            found(&value);
        }
        Ok(())
    }

    fn write(&self, writes: &WriteSet, sync: bool, wait: Wait) -> EngineResult<()> {
        may_wait(wait)?;
        let mut batch = WriteBatch::default();
        for (key, value) in writes.iter() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        let bytes = writes.bytes();
        let written = self.owner.ask(move |database| database.write(batch, bytes, sync));
        written.map_err(EngineError::write)
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        may_wait(wait)?;
        if is_empty(range) {
            return Ok(());
        }
        self.visit(half_open(range), order, visit).map_err(EngineError::read)
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.scan(&EVERYTHING, Order::Ascending, Wait::Allowed, visit)
    }

    fn sync(&self, wait: Wait) -> EngineResult<()> {
        may_wait(wait)?;
        self.owner.ask(Database::sync).map_err(EngineError::write)
    }

    fn compact(&self) -> EngineResult<()> {
        self.owner.ask(Database::compact).map_err(EngineError::write)
    }
}

/// Everything goes through the thread of the database, which may be busy with the disk.
fn may_wait(wait: Wait) -> EngineResult<()> {
    match wait {
        Wait::Never => Err(EngineError::WouldBlock),
        Wait::Allowed => Ok(()),
    }
}

/// Whether there is a log: LevelDB would not miss it, and what is only there.
fn has_log(data: &Path) -> io::Result<bool> {
    let mut paths = fs::read_dir(data)?.map(|entry| Ok(entry?.path()));
    paths.try_fold(false, |found, path: io::Result<_>| Ok(found || disk::is_log(&path?)))
}
