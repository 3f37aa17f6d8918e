//! How to open a store.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use kvs_core::env::Env;
use kvs_core::store::Folder;
use kvs_core::{Durability, Store};

use crate::error::{Error, Result};

/// What keeps the data of an embedded store.
///
/// Each is a cargo feature of the same name; a program has those it was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// RocksDB, the default. Needs a C++ compiler and libclang to build.
    RocksDb,
    /// fjall, an LSM tree in pure Rust.
    Fjall,
    /// LevelDB's format in pure Rust. Its authors don't endorse it for data you care about.
    LevelDb,
    /// A file for each row, for small stores.
    Fs,
}

impl Backend {
    /// All backends, the one to prefer first.
    pub const ALL: [Self; 4] = [Self::RocksDb, Self::Fjall, Self::LevelDb, Self::Fs];

    /// The backend's name, which is also its cargo feature's.
    pub fn name(self) -> &'static str {
        match self {
            Self::RocksDb => "rocksdb",
            Self::Fjall => "fjall",
            Self::LevelDb => "leveldb",
            Self::Fs => "fs",
        }
    }

    /// Whether this program was built with it.
    pub fn is_built_in(self) -> bool {
        match self {
            Self::RocksDb => cfg!(feature = "rocksdb"),
            Self::Fjall => cfg!(feature = "fjall"),
            Self::LevelDb => cfg!(feature = "leveldb"),
            Self::Fs => cfg!(feature = "fs"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|backend| backend.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no backend {name:?}; there are {names}")
        })
    }
}

/// How to open an embedded store.
///
/// ```no_run
/// use kvs::{Backend, Durability, Kvs, Options};
///
/// # async fn example() -> kvs::Result<()> {
/// let kvs = Options::new()
///     .backend(Backend::Fjall)
///     .durability(Durability::Always)
///     .cache_bytes(1 << 30)
///     .open("data")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "a build without LSM backends has nothing to size")]
pub struct Options {
    backend: Option<Backend>,
    durability: Durability,
    cache_bytes: usize,
    write_buffer_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: None,
            durability: Durability::default(),
            cache_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
        }
    }
}

impl Options {
    /// The defaults: the folder's own backend (RocksDB for a new folder, if built in), a sync each
    /// second, 256 MiB of cache, 64 MiB of write buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this backend; a folder that holds another's data is refused.
    #[must_use]
    pub fn backend(self, backend: Backend) -> Self {
        Self { backend: Some(backend), ..self }
    }

    /// When writes reach the disk for good.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Whether every write is synced before it is acknowledged.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_durable(&self) -> bool {
        self.durability == Durability::Always
    }

    /// Bytes of data kept in memory for reads (`rocksdb` and `fjall`).
    #[must_use]
    pub fn cache_bytes(self, cache_bytes: usize) -> Self {
        Self { cache_bytes, ..self }
    }

    /// Bytes of writes collected in memory before they are sorted to disk (`rocksdb` and `fjall`).
    /// On a small file system less is used.
    #[must_use]
    pub fn write_buffer_bytes(self, write_buffer_bytes: usize) -> Self {
        Self { write_buffer_bytes, ..self }
    }

    /// Whether there is a store in the folder `dir`. Nothing is created.
    ///
    /// # Errors
    /// A folder that can't be read, or whose file `KVS` is damaged or of a newer release.
    pub fn exists(dir: impl AsRef<Path>) -> Result<bool> {
        Ok(Folder::engine_in(dir.as_ref())?.is_some())
    }

    /// Opens the store in the folder `dir`, creating it if it isn't there.
    ///
    /// # Errors
    /// A folder that is open elsewhere, that holds something else, or another backend's data, or
    /// damaged data, is refused with what was found; nothing in it is changed. So is that of a node of
    /// a cluster, if this program is built with the feature `cluster`.
    pub async fn open(&self, dir: impl AsRef<Path>) -> Result<crate::Kvs> {
        let (this, dir) = (self.clone(), dir.as_ref().to_owned());
        let store = kvs_core::env::blocking(move || this.open_store(&dir)).await?;
        #[cfg(feature = "cluster")]
        if kvs_rng::node::is_node(&store).await? {
            return Err(Error::NodeFolder);
        }
        Ok(crate::Kvs::new(store))
    }

    pub(crate) fn open_store(&self, dir: &Path) -> Result<Store> {
        let backend = match self.backend {
            Some(backend) => backend,
            None => self.backend_of(dir)?,
        };
        match backend {
            #[cfg(feature = "rocksdb")]
            Backend::RocksDb => {
                use kvs_core::engine::rocksdb::{RocksDb, Tuning};
                let (block_cache_bytes, write_buffer_bytes) =
                    (self.cache_bytes, self.write_buffer_bytes);
                let tuning = Tuning { block_cache_bytes, write_buffer_bytes };
                Ok(self.store(RocksDb::open(dir, tuning)?))
            }
            #[cfg(feature = "fjall")]
            Backend::Fjall => {
                use kvs_core::engine::fjall::{Fjall, Tuning};
                let (cache_bytes, write_buffer_bytes) =
                    (self.cache_bytes as u64, self.write_buffer_bytes as u64);
                let tuning = Tuning { cache_bytes, write_buffer_bytes };
                Ok(self.store(Fjall::open(dir, tuning)?))
            }
            #[cfg(feature = "leveldb")]
            Backend::LevelDb => Ok(self.store(kvs_core::engine::leveldb::LevelDb::open(dir)?)),
            #[cfg(feature = "fs")]
            Backend::Fs => Ok(self.store(kvs_core::engine::fs::Fs::open(dir)?)),
            #[allow(unreachable_patterns, reason = "with all features no backend is missing")]
            backend => Err(Error::NoBackend { backend }),
        }
    }

    /// The backend of the data in `dir`, or else the first that is built in.
    fn backend_of(&self, dir: &Path) -> Result<Backend> {
        let found = Folder::engine_in(dir)?;
        match found.and_then(|name| name.parse().ok()) {
            Some(backend) => Ok(backend),
            None => {
                let built_in = Backend::ALL.into_iter().find(|backend| backend.is_built_in());
                built_in.ok_or(Error::NoBackend { backend: Backend::RocksDb })
            }
        }
    }

    #[allow(dead_code, reason = "a build without any backend on disk has no use for it")]
    fn store(&self, engine: impl kvs_core::engine::Engine) -> Store {
        Store::new(engine, self.durability, Env::system())
    }
}
