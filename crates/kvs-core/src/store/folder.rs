//! The data folder: whose it is, and that only one handle uses it.
//!
//! ```text
//! folder/
//! ├── KVS        which format, engine and state, as text
//! ├── LOCK       locked while a handle is open
//! └── <engine>/  the engine's own files
//! ```
//!
//! The state is `creating` until the engine has opened for the first time, then `ready`. What a
//! crash left half created is begun anew; once ready, missing files are an error and never replaced
//! by an empty store.

use std::error::Error as StdError;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::disk::Space;
use crate::error::{DbaError, Result};

const MARKER: &str = "KVS";
const LOCK: &str = "LOCK";
const MAGIC: &str = "kvs store";
const FORMAT: &str = "1";

/// An opened data folder; its lock is held until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    data: PathBuf,
    engine: &'static str,
    is_new: bool,
    lock: File,
}

impl Folder {
    /// Opens the data folder `path` for `engine`, creating it if it isn't there.
    ///
    /// Refused, with what was found: a folder that holds something else, that belongs to another
    /// engine or a newer format, that is open elsewhere, or that may not be written.
    pub fn open(path: &Path, engine: &'static str) -> Result<Self> {
        let problem = |what: &str, source: io::Error| problem(path, what, source);
        fs::create_dir_all(path).map_err(|error| problem("it can't be created", error))?;
        refuse_foreign(path)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .map_err(|error| problem("its lock can't be opened", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refused(path, "it is open elsewhere, in this process or another"));
            }
            Err(TryLockError::Error(error)) => {
                return Err(problem("it can't be locked", error));
            }
        }
        let ready = Marker::read(path)?.filter(|marker| marker.state == State::Ready);
        if let Some(Marker { engine: found, .. }) = ready.as_ref()
            && found != engine
        {
            return Err(refused(path, &format!("it holds a {found} store, not a {engine} one")));
        }
        let folder = Self {
            path: path.to_owned(),
            data: path.join(engine),
            engine,
            is_new: ready.is_none(),
            lock,
        };
        if folder.is_new {
            folder.begin().map_err(|error| problem("it can't be set up", error))?;
        }
        Ok(folder)
    }

    /// The engine whose store is in `path`; `None` if there is no store yet.
    ///
    /// Refused: what [`open`](Self::open) would refuse for any engine.
    pub fn engine_in(path: &Path) -> Result<Option<String>> {
        Ok(Marker::read(path)?.filter(|marker| marker.state == State::Ready).map(|m| m.engine))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the engine keeps its own files.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether the engine has never yet opened here; if it has, nothing may be created.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Tells that the engine has opened.
    pub fn ready(&self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        self.mark(State::Ready).map_err(|error| self.problem("it can't be set up", error))
    }

    /// The most bytes of unflushed writes that this file system has room for.
    pub fn write_buffer_bytes_max(&self) -> usize {
        let most = Space::of(&self.path).map_or(u64::MAX, Space::write_buffer_bytes_max);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Bytes free on this file system; `None` if it doesn't tell.
    pub fn free_bytes(&self) -> Option<u64> {
        Space::of(&self.path).map(Space::free)
    }

    /// An error about this folder.
    pub fn problem(
        &self,
        what: &str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> DbaError {
        problem(&self.path, what, source)
    }

    fn begin(&self) -> io::Result<()> {
        self.mark(State::Creating)?;
        match fs::remove_dir_all(&self.data) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir(&self.data)
    }

    fn mark(&self, state: State) -> io::Result<()> {
        let engine = self.engine;
        let text = format!("{MAGIC}\nformat {FORMAT}\nengine {engine}\nstate {}\n", state.name());
        write_atomically(&self.path, MARKER, text.as_bytes())
    }
}

impl Drop for Folder {
    /// Closing the file alone might not be enough: a process that is just being started shares it
    /// until it runs its own program.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// Replaces a file in `folder`, for good: a crash leaves the old one or the new one.
pub(crate) fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.new"));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Creating,
    Ready,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
        }
    }
}

/// A folder with files but without our marker is somebody else's.
fn refuse_foreign(path: &Path) -> Result<()> {
    if path.join(MARKER).exists() {
        return Ok(());
    }
    let ours = [MARKER, LOCK, "KVS.new", "lost+found"];
    let entries = fs::read_dir(path).map_err(|error| problem(path, "it can't be read", error))?;
    for entry in entries {
        let name = entry.map_err(|error| problem(path, "it can't be read", error))?.file_name();
        if !ours.iter().any(|ours| name == *ours) {
            let name = name.to_string_lossy();
            return Err(refused(path, &format!("it holds {name:?} and is no kvs store")));
        }
    }
    Ok(())
}

/// What the marker says.
struct Marker {
    engine: String,
    state: State,
}

impl Marker {
    /// The marker in `path`; `None` if there is none.
    fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path.join(MARKER)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(path, "its file KVS can't be read", error)),
        };
        let mut lines = text.lines();
        if lines.next() != Some(MAGIC) {
            return Err(refused(path, "its file KVS is damaged or not from kvs"));
        }
        let mut field = |name: &str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.ok_or_else(|| refused(path, &format!("its file KVS has no {name}")))
        };
        let format = field("format")?;
        if format != FORMAT {
            let what = format!("it has format {format}, this release knows {FORMAT}");
            return Err(refused(path, &what));
        }
        let engine = field("engine")?.to_owned();
        let state = match field("state")? {
            "ready" => State::Ready,
            "creating" => State::Creating,
            other => return Err(refused(path, &format!("its state is {other:?}"))),
        };
        Ok(Some(Self { engine, state }))
    }
}

fn refused(path: &Path, what: &str) -> DbaError {
    DbaError::Folder { path: path.to_owned(), problem: what.to_owned(), source: None }
}

fn problem(
    path: &Path,
    what: &str,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> DbaError {
    let source = source.into();
    let problem = format!("{what}: {source}");
    DbaError::Folder { path: path.to_owned(), problem, source: Some(source) }
}
