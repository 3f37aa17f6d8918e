//! The disk as rusty-leveldb sees it.
//!
//! Its own view of it ([`PosixDiskEnv`](rusty_leveldb::PosixDiskEnv)) never flushes a file to the
//! disk, and it carries on after errors: a compaction that could not write its tables is taken for
//! done, and the tables it read are deleted. This view
//! - flushes tables, manifests and, if asked to, logs, with the folder that names them;
//! - **stops at the first failure**: from then on nothing is read, written or deleted any more, so
//!   nothing is built on what went wrong, and whoever opens the folder next finds all there was;
//! - checks what is read: see [`log`](super::log) and [`table`](super::table);
//! - keeps deleted tables while a scan may still have to open them.

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rusty_leveldb::env::{Env, FileLock, Logger, RandomAccess};
use rusty_leveldb::{Result, Status, StatusCode};

use super::log;
use super::table::{FOOTER_BYTES, Table};

/// What is shared by all open files.
#[derive(Default)]
pub(super) struct Disk {
    failure: OnceCell<String>,
    flushes_logs: Cell<bool>,
    keeps_deleted: Cell<bool>,
    deleted: RefCell<Vec<PathBuf>>,
}

impl Disk {
    /// What went wrong, if anything did.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// An error once something went wrong.
    pub(super) fn check(&self) -> Result<()> {
        self.failure().map_or(Ok(()), |failure| Err(Status::new(StatusCode::IOError, failure)))
    }

    /// Remembers what went wrong, if it is the first.
    pub(super) fn fail(&self, path: &Path, problem: impl Display) -> Status {
        self.stop(format!("{}: {problem}", path.display()))
    }

    /// Lets nothing more be done, for this reason.
    pub(super) fn stop(&self, reason: String) -> Status {
        Status::new(StatusCode::IOError, self.failure.get_or_init(|| reason))
    }

    /// Whether flushing a log is to bring it to the disk, and not only to the page cache.
    pub(super) fn flush_logs(&self, flush: bool) {
        self.flushes_logs.set(flush);
    }

    /// Whether tables are to stay when they are deleted. They go once they needn't stay any more.
    pub(super) fn keep_deleted(&self, keep: bool) {
        self.keeps_deleted.set(keep);
        if !keep && self.failure().is_none() {
            for path in self.deleted.take() {
                // What stays is deleted when the store is opened.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The view that is handed to rusty-leveldb.
pub(super) struct DiskEnv {
    disk: Rc<Disk>,
    /// Whether the database has yet to be created.
    is_new: bool,
}

impl DiskEnv {
    pub(super) fn new(disk: Rc<Disk>, is_new: bool) -> Self {
        Self { disk, is_new }
    }

    /// Does something to a file; a failure is the end.
    fn try_with<T>(&self, path: &Path, work: impl FnOnce() -> io::Result<T>) -> Result<T> {
        self.disk.check()?;
        work().map_err(|error| self.disk.fail(path, error))
    }

    fn appender(&self, path: &Path, options: &mut fs::OpenOptions) -> Result<Box<dyn Write>> {
        let file = self.try_with(path, || options.create(true).open(path))?;
        let (disk, path) = (self.disk.clone(), path.to_owned());
        Ok(Box::new(Appender { disk, path, file, is_named: false }))
    }
}

impl Env for DiskEnv {
    fn open_sequential_file(&self, path: &Path) -> Result<Box<dyn Read>> {
        self.disk.check()?;
        let mut bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            // The name of the manifest, which rusty-leveldb looks for first.
            Err(error) if self.is_new && error.kind() == ErrorKind::NotFound => {
                return Err(error.into());
            }
            Err(error) => return Err(self.disk.fail(path, error)),
        };
        if is_log(path) || is_manifest(path) {
            let whole = log::whole_bytes(&bytes)
                .map_err(|at| self.disk.fail(path, format!("it is damaged at byte {at}")))?;
            bytes.truncate(whole);
        }
        Ok(Box::new(io::Cursor::new(bytes)))
    }

    fn open_random_access_file(&self, path: &Path) -> Result<Box<dyn RandomAccess>> {
        self.disk.check()?;
        Ok(Box::new(Table::open(self.disk.clone(), path)?))
    }

    fn open_writable_file(&self, path: &Path) -> Result<Box<dyn Write>> {
        self.appender(path, File::options().write(true).truncate(true))
    }

    fn open_appendable_file(&self, path: &Path) -> Result<Box<dyn Write>> {
        self.appender(path, File::options().append(true))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.try_with(path, || path.try_exists())
    }

    fn children(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let names = self.try_with(path, || {
            let entries = fs::read_dir(path)?;
            entries.map(|entry| Ok(entry?.file_name().into())).collect::<io::Result<Vec<PathBuf>>>()
        })?;
        // rusty-leveldb panics at others. None of them is one of its own.
        Ok(names.into_iter().filter(|name| name.to_str().is_some()).collect())
    }

    fn size_of(&self, path: &Path) -> Result<usize> {
        self.try_with(path, || {
            let bytes = usize::try_from(fs::metadata(path)?.len()).map_err(io::Error::other)?;
            if is_table(path) && bytes < FOOTER_BYTES {
                return Err(io::Error::other(format!("it is cut off after {bytes} bytes")));
            }
            Ok(bytes)
        })
    }

    fn delete(&self, path: &Path) -> Result<()> {
        self.disk.check()?;
        if self.disk.keeps_deleted.get() && is_table(path) {
            self.disk.deleted.borrow_mut().push(path.to_owned());
            return Ok(());
        }
        fs::remove_file(path).map_err(Status::from)
    }

    /// The data folder is there, or else it is lost.
    fn mkdir(&self, _: &Path) -> Result<()> {
        self.disk.check()
    }

    fn rmdir(&self, path: &Path) -> Result<()> {
        self.try_with(path, || fs::remove_dir_all(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.try_with(to, || {
            File::open(from)?.sync_all()?;
            fs::rename(from, to)?;
            sync_folder_of(to)
        })
    }

    /// The data folder is locked as a whole.
    fn lock(&self, path: &Path) -> Result<FileLock> {
        Ok(FileLock { id: path.display().to_string() })
    }

    fn unlock(&self, _: FileLock) -> Result<()> {
        Ok(())
    }

    /// It has nothing to tell that an error doesn't.
    fn new_logger(&self, _: &Path) -> Result<Logger> {
        Ok(Logger::new(Box::new(io::sink())))
    }

    /// Only used for statistics that nobody can read.
    fn micros(&self) -> u64 {
        0
    }

    fn sleep_for(&self, micros: u32) {
        std::thread::sleep(Duration::from_micros(micros.into()));
    }
}

/// A file that is being written.
struct Appender {
    disk: Rc<Disk>,
    path: PathBuf,
    file: File,
    /// Whether the folder's knowledge of the file is on the disk.
    is_named: bool,
}

impl Appender {
    fn try_with(&mut self, work: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.disk.check().map_err(io::Error::other)?;
        work(self).map_err(|error| io::Error::other(self.disk.fail(&self.path, error)))
    }
}

impl Write for Appender {
    /// All of it: rusty-leveldb takes no notice of a part.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_with(|this| this.file.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if is_log(&self.path) && !self.disk.flushes_logs.get() {
            return Ok(());
        }
        self.try_with(|this| {
            this.file.sync_data()?;
            if !this.is_named {
                sync_folder_of(&this.path)?;
                this.is_named = true;
            }
            Ok(())
        })
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

pub(super) fn is_log(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("log"))
}

fn is_table(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("ldb"))
}

fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| name.starts_with("MANIFEST-"))
}
