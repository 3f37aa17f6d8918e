//! Benchmarks of `kvs` against loops written straight on what it is built on.
//!
//! A figure of one machine at one hour says little; what counts is the **ratio** to the bare library
//! in the same run. Both sides do their rounds in turn, so that a busy machine slows both.
//!
//! `kvs-bench embedded` compares the embedded store with the bare engines, one table for each.
//! `kvs-bench cluster` compares a cluster of three with etcd and Redis, where they are installed.
//! `kvs-bench entities` compares feeds on a cluster of three with puts into etcd and streams of Redis.
//! `kvs-bench ring-placement` shows how even a ring is and how much moves when it changes; these are
//! computed, so any machine prints the same.

mod cluster;
mod embedded;
mod measure;
mod memory;
mod placement;
mod raw;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use raw::Engine;

/// Benchmarks of kvs.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The embedded store against the bare engines.
    Embedded(embedded::Settings),
    /// A cluster of three against etcd and Redis.
    Cluster(cluster::Settings),
    /// Feeds on a cluster of three against etcd and Redis.
    Entities(cluster::entities::Settings),
    /// How evenly the ring places buckets, and how much moves when it changes.
    RingPlacement(placement::Settings),
    /// Loads keys and prints the process's peak memory in bytes; run by `embedded`.
    #[command(hide = true)]
    Load {
        /// What to load into.
        engine: Engine,
        /// How many keys.
        keys: u64,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Embedded(settings) => embedded::run(&settings),
        Command::Cluster(settings) => cluster::run(&settings),
        Command::Entities(settings) => cluster::entities::run(&settings),
        Command::RingPlacement(settings) => placement::run(&settings),
        Command::Load { engine, keys } => memory::load(engine, keys),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::fail(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Any error: a benchmark that meets one is over.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
