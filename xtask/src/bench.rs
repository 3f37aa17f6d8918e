//! `cargo xtask bench`: builds the benchmarks and runs the suite asked for.

use std::ffi::OsString;
use std::process::Command;

use clap::Subcommand;

use crate::cargo::{Metadata, cargo};
use crate::rocksdb;
use crate::sh::{self, Result};

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Suite {
    /// The store in the application's own process, on each backend.
    Embedded {
        /// `--json`, and whatever else `kvs-bench embedded` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<OsString>,
    },
    /// A cluster of three nodes, against etcd and Redis where they are installed.
    Cluster {
        /// `--json`, and whatever else `kvs-bench cluster` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<OsString>,
    },
    /// Feeds on a cluster of three nodes, against etcd and Redis where they are installed.
    Entities {
        /// `--json`, and whatever else `kvs-bench entities` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<OsString>,
    },
    /// How evenly the ring places buckets, and how much moves when it changes.
    RingPlacement {
        /// `--json`, and whatever else `kvs-bench ring-placement` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<OsString>,
    },
}

/// Builds `kvs-bench` and runs one of its suites.
pub(crate) fn run(suite: Suite) -> Result {
    let (name, args) = match suite {
        Suite::Embedded { args } => ("embedded", args),
        Suite::Cluster { args } => ("cluster", args),
        Suite::Entities { args } => ("entities", args),
        Suite::RingPlacement { args } => ("ring-placement", args),
    };
    let metadata = Metadata::load()?;
    rocksdb::ready(&metadata)?;
    sh::run(&mut cargo(["build", "--workspace", "--bin", "kvs-bench", "--bin", "kvs"]))?;
    sh::hand_over_to(Command::new(metadata.program("kvs-bench")).arg(name).args(args))
}
