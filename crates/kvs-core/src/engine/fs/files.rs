//! The files of a store and the steps in which they change.
//!
//! A write goes in steps: [`draft`](Files::draft) writes new values, and the journal, under
//! temporary names; [`promise`](Files::promise) gives the journal its name; [`commit`](Files::commit)
//! gives the rows theirs and removes what is to be removed; [`forget`](Files::forget) removes the
//! journal. What a step did is on the disk for good when it returns. Up to the promise nothing has
//! changed; from there on `commit` can be done again, by whoever opens the store next, until it has
//! come to its end. A write of one row needs no promise: its commit is a single step.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::changes::{self, Changes, kinds};
use super::row;

/// The largest file that is written or read.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// This many files are flushed one by one; more, by flushing the whole file system.
const FLUSHED_SINGLY_MAX: usize = if cfg!(target_os = "linux") { 64 } else { usize::MAX };

const JOURNAL: &str = "journal";
const JOURNAL_DRAFT: &str = "journal.new";
const ROW: &str = "row";
const DRAFT: &str = "new";

/// What is wrong with a file.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub(super) struct FileError {
    path: PathBuf,
    problem: String,
    #[source]
    source: Option<io::Error>,
}

type Result<T> = std::result::Result<T, FileError>;

/// The files of a store.
pub(super) struct Files {
    data: PathBuf,
}

impl Files {
    /// The files in the folder `data`.
    pub(super) fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// Makes an empty store.
    pub(super) fn create(&self) -> Result<()> {
        for folder in self.folders() {
            fs::create_dir(&folder).map_err(|error| failed(&folder, error))?;
        }
        flush([&self.data])
    }

    /// Reads all rows, checks them and gives their keys.
    ///
    /// Before that, a write that was promised is done to its end, and leftovers of one that was not
    /// are removed.
    pub(super) fn load(&self) -> Result<BTreeSet<Vec<u8>>> {
        self.keep_promise()?;
        let mut keys = BTreeSet::new();
        let folders: BTreeSet<PathBuf> = self.folders().collect();
        for path in entries(&self.data)? {
            if !folders.contains(&path) {
                return Err(wrong(&path, "it does not belong to the store"));
            }
        }
        for folder in &folders {
            for path in entries(folder)? {
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some(DRAFT) => remove(&path)?,
                    Some(ROW) => drop(keys.insert(self.load_row(&path)?)),
                    _ => return Err(wrong(&path, "it does not belong to the store")),
                }
            }
        }
        Ok(keys)
    }

    /// The key in a row's file.
    fn load_row(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes = read(path)?;
        let (key, _) = row::decode(&bytes).map_err(|problem| wrong(path, problem))?;
        if self.row(key) != *path {
            return Err(wrong(path, "its name is not that of the row in it"));
        }
        Ok(key.to_vec())
    }

    /// Calls `found` with the value of a row that is there.
    pub(super) fn read(&self, key: &[u8], found: impl FnOnce(&[u8])) -> Result<()> {
        let path = self.row(key);
        let bytes = read(&path)?;
        match row::decode(&bytes).map_err(|problem| wrong(&path, problem))? {
            (read, value) if read == key => found(value),
            _ => return Err(wrong(&path, "it holds another row")),
        }
        Ok(())
    }

    /// Writes new values under temporary names, and a journal if there are several changes. After an
    /// error nothing of it is left.
    pub(super) fn draft(&self, changes: &Changes<'_>) -> Result<()> {
        let mut drafts = Vec::new();
        let drafted = self.draft_into(&mut drafts, changes).and_then(|()| flush(&drafts));
        if drafted.is_err() {
            // What can't be removed now is removed when the store is opened.
            drafts.iter().for_each(|draft| drop(remove(draft)));
        }
        drafted
    }

    fn draft_into(&self, drafts: &mut Vec<PathBuf>, changes: &Changes<'_>) -> Result<()> {
        let mut write = |path: PathBuf, bytes: Vec<u8>| {
            drafts.push(path.clone());
            write(&path, &bytes)
        };
        for (key, value) in changes {
            if let Some(value) = value {
                write(self.draft_of(key), row::encode(key, value))?;
            }
        }
        if changes.len() > 1 {
            write(self.data.join(JOURNAL_DRAFT), changes::encode(kinds(changes)))?;
        }
        Ok(())
    }

    /// From here on the changes in the drafted journal will be done, come what may.
    pub(super) fn promise(&self) -> Result<()> {
        let draft = self.data.join(JOURNAL_DRAFT);
        let renamed = fs::rename(&draft, self.data.join(JOURNAL));
        renamed.map_err(|error| failed(&draft, error))?;
        flush([&self.data])
    }

    /// Gives drafts (`true`) their names and removes other rows. What was done before stays done.
    pub(super) fn commit<'a>(
        &self,
        keys: impl Iterator<Item = (&'a [u8], bool)> + Clone,
    ) -> Result<()> {
        for (key, is_put) in keys.clone() {
            let path = self.row(key);
            if is_put {
                let draft = self.draft_of(key);
                match fs::rename(&draft, &path) {
                    Err(error) if error.kind() != ErrorKind::NotFound || !path.exists() => {
                        return Err(failed(&draft, error));
                    }
                    _ => {}
                }
            } else {
                remove(&path)?;
            }
        }
        let folders: BTreeSet<PathBuf> = keys.map(|(key, _)| self.folder_of(key)).collect();
        flush(&folders)
    }

    /// Removes the journal, once its changes are done.
    pub(super) fn forget(&self) -> Result<()> {
        remove(&self.data.join(JOURNAL))?;
        flush([&self.data])
    }

    fn keep_promise(&self) -> Result<()> {
        remove(&self.data.join(JOURNAL_DRAFT))?;
        let path = self.data.join(JOURNAL);
        if !path.exists() {
            return Ok(());
        }
        let bytes = read(&path)?;
        let keys = changes::decode(&bytes).map_err(|problem| wrong(&path, problem))?;
        self.commit(keys.into_iter())?;
        self.forget()
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        (0..=u8::MAX).map(|byte| self.data.join(format!("{byte:02x}")))
    }

    fn folder_of(&self, key: &[u8]) -> PathBuf {
        self.data.join(row::name(key).0)
    }

    fn row(&self, key: &[u8]) -> PathBuf {
        let (folder, file) = row::name(key);
        self.data.join(folder).join(file).with_extension(ROW)
    }

    fn draft_of(&self, key: &[u8]) -> PathBuf {
        self.row(key).with_extension(DRAFT)
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>());
    paths.map_err(|error| failed(folder, error))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    match read.map_err(|error| failed(path, error))? as u64 {
        0..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(wrong(path, "it is too large")),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(path, format!("it would have {} bytes", bytes.len())));
    }
    let written = File::create(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| failed(path, error))
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

/// Makes the bytes of files, or the names in folders, survive the loss of power.
fn flush<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<()> {
    let mut paths = paths.into_iter();
    let each = |path: P, sync: fn(&File) -> io::Result<()>| {
        let path = path.as_ref();
        File::open(path).and_then(|file| sync(&file)).map_err(|error| failed(path, error))
    };
    paths.by_ref().take(FLUSHED_SINGLY_MAX).try_for_each(|path| each(path, File::sync_all))?;
    paths.next().map_or(Ok(()), |path| each(path, sync_file_system))
}

#[cfg(target_os = "linux")]
fn sync_file_system(file: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(file)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(file: &File) -> io::Result<()> {
    file.sync_all()
}

fn failed(path: &Path, source: io::Error) -> FileError {
    FileError { path: path.to_owned(), problem: source.to_string(), source: Some(source) }
}

fn wrong(path: &Path, problem: impl Into<String>) -> FileError {
    FileError { path: path.to_owned(), problem: problem.into(), source: None }
}
