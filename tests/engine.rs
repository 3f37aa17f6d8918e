//! Every engine, opened in one way.

use std::path::Path;

use kvs_core::engine::fjall::{self, Fjall};
use kvs_core::engine::fs::Fs;
use kvs_core::engine::leveldb::LevelDb;
use kvs_core::engine::memory::Memory;
use kvs_core::engine::rocksdb::{self, RocksDb};
use kvs_core::env::Env;
use kvs_core::{Durability, Result, Store};

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In memory.
    Memory,
    /// A file for each row.
    Fs,
    /// RocksDB.
    RocksDb,
    /// fjall.
    Fjall,
    /// LevelDB.
    LevelDb,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Fs, Self::RocksDb, Self::Fjall, Self::LevelDb];

    /// Those that keep their data in a folder.
    pub const DURABLE: [Self; 4] = [Self::Fs, Self::RocksDb, Self::Fjall, Self::LevelDb];

    /// The name, as in a data folder's marker.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fs => "fs",
            Self::RocksDb => "rocksdb",
            Self::Fjall => "fjall",
            Self::LevelDb => "leveldb",
        }
    }

    /// The engine of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// Opens a store in `folder`, as an application would.
    pub fn open(self, folder: &Path) -> Result<Store> {
        self.open_with(folder, Durability::default(), Env::system())
    }

    /// Opens a store in `folder`.
    pub fn open_with(self, folder: &Path, durability: Durability, env: Env) -> Result<Store> {
        Ok(match self {
            Self::Memory => Store::new(Memory::default(), durability, env),
            Self::Fs => Store::new(Fs::open(folder)?, durability, env),
            Self::RocksDb => {
                let tuning = rocksdb::Tuning::default();
                Store::new(RocksDb::open(folder, tuning)?, durability, env)
            }
            Self::Fjall => {
                let tuning = fjall::Tuning::default();
                Store::new(Fjall::open(folder, tuning)?, durability, env)
            }
            Self::LevelDb => Store::new(LevelDb::open(folder)?, durability, env),
        })
    }
}
