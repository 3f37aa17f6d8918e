//! The bare engines, as one would use them without `kvs`.

mod fjall;
mod rocksdb;

use std::path::Path;

use clap::ValueEnum;
use kvs::Backend;

use crate::Result;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// RocksDB, bare.
    RawRocksdb,
    /// fjall, bare.
    RawFjall,
    /// kvs on RocksDB.
    Rocksdb,
    /// kvs on fjall.
    Fjall,
}

impl Engine {
    /// The bare engine under a backend.
    pub(crate) fn under(backend: Backend) -> Self {
        if backend == Backend::Fjall { Self::RawFjall } else { Self::RawRocksdb }
    }

    /// kvs on a backend.
    pub(crate) fn on(backend: Backend) -> Self {
        if backend == Backend::Fjall { Self::Fjall } else { Self::Rocksdb }
    }
}

/// The engine's name on the command line.
pub(crate) fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::RawRocksdb => "raw-rocksdb",
        Engine::RawFjall => "raw-fjall",
        Engine::Rocksdb => "rocksdb",
        Engine::Fjall => "fjall",
    }
}

/// A key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The loops of the benchmark, written straight on a library, with the options that `kvs` gives it.
pub(crate) trait Raw {
    /// Sets one key.
    fn put(&self, key: &[u8], value: &[u8]) -> Result;
    /// Reads one key; gives the length of its value.
    fn get(&self, key: &[u8]) -> Result<usize>;
    /// Sets several keys atomically.
    fn batch(&self, pairs: &[Pair]) -> Result;
    /// Visits all rows whose keys begin with `prefix`, in order.
    fn each(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> Result) -> Result;
}

/// Opens a bare engine.
pub(crate) fn open(engine: Engine, folder: &Path) -> Result<Box<dyn Raw>> {
    Ok(match engine {
        Engine::RawRocksdb | Engine::Rocksdb => Box::new(rocksdb::open(folder)?),
        Engine::RawFjall | Engine::Fjall => Box::new(fjall::open(folder)?),
    })
}
