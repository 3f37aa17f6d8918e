//! The database, on the thread that owns it.
//!
//! What is done without, and why:
//! - `get` overlooks a row now and then that lies next to deleted ones, and may give a value that was
//!   overwritten. Rows are looked up with an iterator.
//! - `prev` shows rows that were deleted. Iterators only go forward.
//! - A full memtable may be filed below an older table that overlaps it; then a deletion can be
//!   forgotten before what it deletes. So memtables never fill up: before that, the database is
//!   closed and opened again, which files the log on the first level, where it belongs.
//! - Once there was an iterator, compactions drop nothing any more. So they only happen when the
//!   database is opened, before there is one.
//!
//! An iterator sees the tables and the memtable there were when it was made; it outlives the
//! database that made it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use rusty_leveldb::compressor::SnappyCompressor;
use rusty_leveldb::infolog::Logger;
use rusty_leveldb::{CompressorId, DB, DBIterator, LdbIterator, Options, WriteBatch};

use super::Failure;
use super::disk::{Disk, DiskEnv};
use super::keys::between;

/// A part of a scan ends after this many rows.
const PART_ROWS_MAX: usize = 256;
/// A part of a scan ends once it holds this many bytes; one row may pass it.
const PART_BYTES_MAX: usize = 1 << 20;
/// Levels of tables.
const LEVELS: usize = 7;
/// Tables kept open.
const OPEN_TABLES: usize = 256;
/// Blocks kept for reads. They are counted, not weighed, and a large value is one block.
const CACHED_BLOCKS: usize = 64;

/// A stored key and a row's value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// A number for a scan that was begun.
pub(super) type ScanId = u64;

/// Some rows of a range, in ascending order.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// Where the rest of the range begins, or ends, if there may be one.
    pub(super) rest: Option<Vec<u8>>,
}

/// An open database.
pub(super) struct Database {
    /// `None` only while it is closed and opened again, or after that failed.
    db: Option<DB>,
    data: PathBuf,
    disk: Rc<Disk>,
    write_buffer_bytes: usize,
    /// Bytes in the log.
    logged_bytes: usize,
    scans: BTreeMap<ScanId, DBIterator>,
    last_scan: ScanId,
}

impl Database {
    /// Opens the database in `data`, or creates it if it `is_new`.
    pub(super) fn open(
        data: PathBuf,
        is_new: bool,
        write_buffer_bytes: usize,
    ) -> Result<Self, Failure> {
        let mut database = Self {
            db: None,
            data,
            disk: Rc::default(),
            write_buffer_bytes,
            logged_bytes: 0,
            scans: BTreeMap::new(),
            last_scan: 0,
        };
        database.reopen(is_new)?;
        Ok(database)
    }

    /// Closes the database and opens it again: what is in the log goes to a table, and if there are
    /// too many tables on a level, some are merged.
    fn reopen(&mut self, is_new: bool) -> Result<(), Failure> {
        self.db = None;
        let opened = DB::open(&self.data, self.options(is_new));
        // The library carries on after some failures.
        self.check()?;
        self.db = Some(opened.map_err(|error| self.disk.fail(&self.data, error))?);
        self.logged_bytes = 0;
        Ok(())
    }

    fn options(&self, is_new: bool) -> Options {
        let defaults = Options::default();
        Options {
            env: Rc::new(Box::new(DiskEnv::new(self.disk.clone(), is_new))),
            log: Some(Rc::new(RefCell::new(Logger(Box::new(io::sink()))))),
            create_if_missing: is_new,
            // See above.
            write_buffer_size: usize::MAX,
            max_file_size: self.write_buffer_bytes / 2,
            max_open_files: OPEN_TABLES,
            block_cache_capacity_bytes: CACHED_BLOCKS * defaults.block_size,
            compressor: SnappyCompressor::ID,
            // They would go on after what was cut off.
            reuse_logs: false,
            reuse_manifest: false,
            ..defaults
        }
    }

    /// An error once something went wrong.
    pub(super) fn check(&self) -> Result<(), Failure> {
        Ok(self.disk.check()?)
    }

    /// The value of a row.
    pub(super) fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let mut rows = self.db()?.new_iter()?;
        rows.seek(key);
        let found = rows.current().filter(|(found, _)| **found == *key);
        Ok(found.map(|(_, value)| value.to_vec()))
    }

    /// Applies a batch of so many bytes; with `sync` it is on the disk then.
    pub(super) fn write(
        &mut self,
        batch: WriteBatch,
        bytes: usize,
        sync: bool,
    ) -> Result<(), Failure> {
        self.disk.flush_logs(sync);
        // A flush is needed in any case, to get it out of this process.
        let written = self.db()?.write(batch, true);
        // It may be in memory and not in the log.
        written.map_err(|error| self.disk.stop(error.to_string()))?;
        self.logged_bytes += bytes;
        if self.logged_bytes < self.write_buffer_bytes { Ok(()) } else { self.reopen(false) }
    }

    /// Brings the log to the disk. What is not in the log is in tables, which are there.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        self.disk.flush_logs(true);
        Ok(self.db()?.flush()?)
    }

    /// Merges all tables, and drops what was deleted or overwritten.
    pub(super) fn compact(&mut self) -> Result<(), Failure> {
        self.reopen(false)?;
        // Each time gets everything one level further, to the last.
        (1..LEVELS).try_for_each(|_| Ok(self.db()?.compact_range(b"", b"")?))
    }

    /// Begins a scan of what is there now.
    pub(super) fn begin_scan(&mut self) -> Result<ScanId, Failure> {
        let rows = self.db()?.new_iter()?;
        self.last_scan += 1;
        self.scans.insert(self.last_scan, rows);
        self.disk.keep_deleted(true);
        Ok(self.last_scan)
    }

    /// Ends a scan.
    pub(super) fn end_scan(&mut self, scan: ScanId) {
        self.scans.remove(&scan);
        self.disk.keep_deleted(!self.scans.is_empty());
    }

    /// The first rows of a range. The rest begins with the key that is given with them.
    pub(super) fn first(
        &mut self,
        scan: ScanId,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<Part, Failure> {
        Ok(first(self.rows(scan)?, from, to))
    }

    /// The last rows of a range. The rest ends before the key that is given with them.
    ///
    /// As an iterator only goes forward, a place is looked for from which on there are some rows,
    /// but not too many: by halving the space of keys, not the rows, so in as many steps as keys
    /// have bits, and mostly in as many as the number of rows has.
    pub(super) fn last(
        &mut self,
        scan: ScanId,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<Part, Failure> {
        let rows = self.rows(scan)?;
        // Below `low` there is nothing to find for now; from `high` on nothing at all.
        let (mut low, mut high) = (from.to_vec(), to.map(<[u8]>::to_vec));
        let mut start = low.clone();
        loop {
            let part = first(rows, &start, high.as_deref());
            match part.rest {
                Some(rest) => low = rest,
                None if part.rows.is_empty() && start > low => high = Some(start),
                None => {
                    let rest = (start.as_slice() > from).then_some(start);
                    return Ok(Part { rest, ..part });
                }
            }
            start = between(&low, high.as_deref());
        }
    }

    fn rows(&mut self, scan: ScanId) -> Result<&mut DBIterator, Failure> {
        self.scans.get_mut(&scan).ok_or_else(|| format!("there is no scan {scan}").into())
    }

    fn db(&mut self) -> Result<&mut DB, Failure> {
        self.db.as_mut().ok_or_else(|| "the database could not be opened again".into())
    }
}

/// The first rows from `from` on, up to but without `to`.
fn first(rows: &mut DBIterator, from: &[u8], to: Option<&[u8]>) -> Part {
    let mut part = Part::default();
    let mut bytes = 0;
    rows.seek(from);
    while let Some((key, value)) = rows.current() {
        if to.is_some_and(|to| *key >= *to) {
            break;
        }
        if part.rows.len() >= PART_ROWS_MAX || bytes >= PART_BYTES_MAX {
            part.rest = Some(key.to_vec());
            break;
        }
        bytes += key.len() + value.len();
        part.rows.push((key.to_vec(), value.to_vec()));
        rows.advance();
    }
    part
}
