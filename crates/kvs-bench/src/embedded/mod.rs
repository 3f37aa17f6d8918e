//! The embedded store against the bare engines.

mod features;
mod rows;

use std::path::Path;

use clap::{Args, ValueEnum};
use kvs::{Backend, Kvs};
use tokio::runtime::{Builder, Runtime};

use crate::raw::{self, Engine};
use crate::report::Report;
use crate::{Result, memory};

/// What to measure.
#[derive(Args)]
pub(crate) struct Settings {
    /// One JSON value a line instead of tables.
    #[arg(long)]
    json: bool,
    /// Only this engine.
    #[arg(long)]
    backend: Option<Chosen>,
    /// How many keys the large measurements use.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2_000..))]
    keys: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Chosen {
    Rocksdb,
    Fjall,
}

/// Runs the benchmark.
pub(crate) fn run(settings: &Settings) -> Result {
    let backends = match settings.backend {
        None => vec![Backend::RocksDb, Backend::Fjall],
        Some(Chosen::Rocksdb) => vec![Backend::RocksDb],
        Some(Chosen::Fjall) => vec![Backend::Fjall],
    };
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    for backend in backends {
        let mut report = Report::new(backend.name(), settings.json);
        rows::measure(&runtime, backend, settings.keys, &mut report)?;
        features::measure(&runtime, backend, settings.keys, &mut report)?;
        let raw = memory::peak_of_load(Engine::under(backend), settings.keys)?;
        let ours = memory::peak_of_load(Engine::on(backend), settings.keys)?;
        report.memory("peak memory of loading", raw, ours);
        report.print();
    }
    Ok(())
}

/// Loads `keys` keys by `engine`, for the memory that it takes.
pub(crate) fn load(engine: Engine, folder: &Path, keys: u64) -> Result {
    if matches!(engine, Engine::RawRocksdb | Engine::RawFjall) {
        return rows::load_raw(&*raw::open(engine, folder)?, 0..keys);
    }
    let backend = if engine == Engine::Fjall { Backend::Fjall } else { Backend::RocksDb };
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let kvs = open(&runtime, backend, folder)?;
    rows::load(&runtime, &*kvs.records(), 0..keys)
}

fn open(runtime: &Runtime, backend: Backend, folder: &Path) -> Result<Kvs> {
    Ok(runtime.block_on(kvs::Options::new().backend(backend).open(folder))?)
}
