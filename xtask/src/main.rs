//! The chores of the project, as `cargo xtask <command>`.
//!
//! | command | does |
//! |---|---|
//! | `setup` | makes this machine able to compile RocksDB |
//! | `demo` | builds and runs the demo, on RocksDB or without any C++ |
//! | `cluster` | starts, breaks and ends a cluster on this machine |
//! | `test` | runs every test of the workspace |
//! | `tidy` | checks the rules of the code base that no compiler knows |
//! | `sim` | runs whole clusters in one thread, under faults, from seeds |
//! | `check-model` | explores the protocol of the entities' logs, state by state |
//! | `bench` | builds and runs the benchmarks |
//! | `ci` | all of the above that a change must pass |
//!
//! What a chore says about itself goes to standard error, as with cargo, so that
//! standard output belongs to the program it runs: `cargo xtask demo --json` can
//! be piped on.

#![expect(clippy::print_stdout, reason = "a program for the terminal prints")]

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod check_model;
mod ci;
mod cluster;
mod demo;
mod rocksdb;
mod setup;
mod sh;
mod sim;
mod test;
mod tidy;

/// The chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make this machine able to compile RocksDB: libclang and a C++ compiler.
    Setup,
    /// Run the demo: `--backend rocksdb|fjall`; all else goes to `kvs demo`.
    ///
    /// Flags of the demo: --team, --division, --season, --data-dir, --file, --json.
    /// `--backend fjall` needs neither C++ nor libclang.
    Demo(PassedOn),
    /// Start, break and end a cluster on this machine.
    ///
    /// Real `kvs serve` processes on loopback, with data and logs in target/cluster.
    Cluster {
        #[command(subcommand)]
        cluster: cluster::Cluster,
    },
    /// Run every test; arguments go to `cargo test`.
    Test(PassedOn),
    /// Check the rules of the code base that no compiler knows.
    Tidy {
        /// Rewrite what is generated: the table of layers in docs/ARCHITECTURE.md.
        #[arg(long)]
        write: bool,
    },
    /// Run whole clusters in one thread, under faults: `--seeds 1..200`, or `--seed 42` for one again.
    ///
    /// Also: `--nodes 5` fixes their number, `--verbose` prints every operation.
    Sim(PassedOn),
    /// Explore the protocol of the entities' logs, state by state: `--without RULE` shows what a rule is for.
    CheckModel(PassedOn),
    /// Run benchmarks.
    Bench {
        #[command(subcommand)]
        suite: bench::Suite,
    },
    /// Run all that a change must pass, stopping at the first failure.
    Ci {
        /// Leave out the last step, the tests.
        #[arg(long)]
        no_test: bool,
    },
}

/// Arguments that another program interprets.
#[derive(clap::Args)]
struct PassedOn {
    /// Passed on as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<OsString>,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse_from(arguments()).chore {
        Chore::Setup => setup::run(),
        Chore::Demo(PassedOn { args }) => demo::run(args),
        Chore::Cluster { cluster } => cluster::run(cluster),
        Chore::Test(PassedOn { args }) => test::run(&args),
        Chore::Tidy { write } => tidy::run(write),
        Chore::Sim(PassedOn { args }) => sim::run(args),
        Chore::CheckModel(PassedOn { args }) => check_model::run(args),
        Chore::Bench { suite } => bench::run(suite),
        Chore::Ci { no_test } => ci::run(no_test),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sh::Error::Exit(code)) => ExitCode::from(code),
        Err(sh::Error::Message(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Our arguments, with a `--` that follows the chore doubled: clap takes one for
/// itself, and in `cargo xtask test -- --nocapture` it is meant for cargo.
fn arguments() -> Vec<OsString> {
    let mut args: Vec<_> = env::args_os().collect();
    if args.get(2).is_some_and(|arg| arg == "--") {
        args.insert(2, "--".into());
    }
    args
}
