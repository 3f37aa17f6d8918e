//! A file for each row, for small stores that one wants to look at with other tools.
//!
//! ```text
//! data/
//! ├── 00/ … ff/
//! │   └── <62 hexadecimal digits>.row    a row: see [`row`]
//! └── journal                            a write under way: see [`changes`]
//! ```
//!
//! The BLAKE3 of a row's key is its folder and name, so rows spread evenly and any tool can find the
//! file of a key. Files have no order; the keys, in order, are kept in memory.
//!
//! # Writing
//! A file system promises nothing about the order in which changes reach the disk, except by
//! flushing. So every write is on the disk for good before it is acknowledged, whatever durability
//! was asked for: values are written under temporary names and flushed, then renamed. If there are
//! several, a journal that says which comes before the first renaming and goes after the last, so
//! that a crash leaves all of them or none (a redo log; Gray and Reuter, *Transaction Processing*,
//! 1993, chapter 9). A write that fails before its journal is complete has changed nothing. One that
//! fails after it may be half done: then everything is refused until the store is opened again,
//! which does the rest.
//!
//! # Costs
//! - Opening reads every file once and checks it. A file that is damaged, or that doesn't belong
//!   there, is refused by name.
//! - Memory for every key.
//! - A write flushes each row, and its folder, once: some 1,000 rows a second on a good disk.
//! - One write at a time, and none while somebody scans.
//!
//! # Caveats
//! - Other tools may look, but not change anything while the store is open. A row whose file was
//!   taken away while it was closed is a row that was deleted: nobody can tell.
//! - Writes wait until a save has been read to its end. So a task that reads one must not wait for a
//!   write of its own before that.
//! - Every file takes at least a block of the file system, and an inode.

mod changes;
mod files;
mod row;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{RwLock, RwLockReadGuard};

use super::{Engine, EngineError, EngineResult, Visit, Wait, WriteSet};
use crate::error::Result;
use crate::scan::{EVERYTHING, Order, Range, is_empty};
use crate::store::Folder;
use changes::{Changes, kinds, last_of_each};
use files::{FileError, Files};

/// The engine of files.
pub struct Fs {
    files: Files,
    index: RwLock<Index>,
    // Last, so that the lock is held until nothing is written any more.
    folder: Folder,
}

/// What is known of the files.
struct Index {
    keys: BTreeSet<Vec<u8>>,
    /// Why the files may no longer be as `keys` say.
    failure: Option<String>,
}

impl Fs {
    /// Opens or creates the store in `path`.
    ///
    /// Reads every file. Refused, with the file's name: what is damaged or doesn't belong there.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder::open(path, "fs")?;
        let files = Files::new(folder.data());
        let keys = if folder.is_new() { files.create() } else { Ok(()) };
        let keys = keys
            .and_then(|()| files.load())
            .map_err(|error| folder.problem("its files can't be used", error))?;
        folder.ready()?;
        Ok(Self { files, index: RwLock::new(Index { keys, failure: None }), folder })
    }

    /// The index, for reading, with no write half done.
    fn index(&self, wait: Wait) -> EngineResult<RwLockReadGuard<'_, Index>> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        let index = self.index.read().map_err(|error| EngineError::read(error.to_string()))?;
        index.check()?;
        Ok(index)
    }

    /// What changes once a write has been drafted.
    fn apply(&self, changes: &Changes<'_>) -> std::result::Result<(), FileError> {
        if changes.len() == 1 {
            return self.files.commit(kinds(changes));
        }
        self.files.promise()?;
        self.files.commit(kinds(changes))?;
        self.files.forget()
    }
}

impl Index {
    fn check(&self) -> EngineResult<()> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(EngineError::read(format!(
                "a write failed, the store must be opened again: {failure}"
            ))),
        }
    }
}

impl Engine for Fs {
    fn name(&self) -> &'static str {
        "fs"
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.folder.path())
    }

    fn get(&self, key: &[u8], wait: Wait, found: &mut dyn FnMut(&[u8])) -> EngineResult<()> {
        let index = self.index(wait)?;
        if !index.keys.contains(key) {
            return Ok(());
        }
        self.files.read(key, found).map_err(EngineError::read)
    }

    fn write(&self, writes: &WriteSet, _: bool, wait: Wait) -> EngineResult<()> {
        if wait == Wait::Never {
            return Err(EngineError::WouldBlock);
        }
        if writes.is_empty() {
            return Ok(());
        }
        let mut index = self.index.write().map_err(|error| EngineError::read(error.to_string()))?;
        index.check()?;
        let changes = last_of_each(writes);
        // Nothing has changed if that fails.
        self.files.draft(&changes).map_err(EngineError::read)?;
        if let Err(error) = self.apply(&changes) {
            index.failure = Some(error.to_string());
            return Err(EngineError::write(error));
        }
        for (key, is_put) in kinds(&changes) {
            if is_put {
                index.keys.insert(key.to_vec());
            } else {
                index.keys.remove(key);
            }
        }
        Ok(())
    }

    fn scan(&self, range: &Range, order: Order, wait: Wait, visit: Visit<'_>) -> EngineResult<()> {
        let index = self.index(wait)?;
        if is_empty(range) {
            return Ok(());
        }
        let mut keys = index.keys.range(range.clone());
        let next = || match order {
            Order::Ascending => keys.next(),
            Order::Descending => keys.next_back(),
        };
        for key in std::iter::from_fn(next) {
            let mut flow = ControlFlow::Continue(());
            let read = self.files.read(key, |value| flow = visit(key, value));
            read.map_err(EngineError::read)?;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan_all(&self, visit: Visit<'_>) -> EngineResult<()> {
        self.scan(&EVERYTHING, Order::Ascending, Wait::Allowed, visit)
    }

    /// Nothing is left to do: a write is on the disk before it is acknowledged.
    fn sync(&self, _: Wait) -> EngineResult<()> {
        Ok(())
    }

    /// Nothing is left to do: a row that is gone has no file.
    fn compact(&self) -> EngineResult<()> {
        Ok(())
    }
}
