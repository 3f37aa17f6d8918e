//! The program `kvs`: an embedded store at the command line, and a server.
//!
//! ```text
//! $ kvs feed add goals "12' Saka"
//! 1
//! $ kvs feed all goals --json
//! {"eid":1,"value":"12' Saka"}
//! ```
//!
//! Every command but `serve` opens the store in `--data-dir`, does one thing and closes it, or does it
//! on a server with `--connect`, except `file`, `dump` and `compact`. Texts come as arguments or, for `-`, from the standard input; answers go to the standard output, as plain lines
//! or with `--json` as a line of JSON each; errors and progress go to the standard error.
//!
//! | exit code | |
//! |---|---|
//! | 0 | done, also when the reader of the output went away |
//! | 1 | failed |
//! | 2 | wrong usage |
//! | 3 | what was asked for, or was to be removed, isn't there |
//!
//! - [`cli`]: what can be asked for. [`commands`]: doing it, a module for each group.
//! - [`place`]: a store or a server. [`store`]: opening the store. [`client`]: talking to servers.
//! - [`ring_status`]: what a node tells about its ring. [`input`], [`output`], [`progress`]: texts in, answers out.
//! - [`error`]: what went wrong, in one line, and the exit code.
//! - [`serve`]: `kvs serve`, a node. [`resp`]: the Redis protocol. [`http`]: the admin port.
//! - [`load`]: `kvs load`, the same matches as records on a server.
//! - [`demo`]: `kvs demo`, six thousand football matches in feeds and leaderboards.

mod cli;
mod client;
mod commands;
mod demo;
mod error;
mod http;
mod input;
mod load;
mod output;
mod place;
mod progress;
mod resp;
mod ring_status;
mod serve;
mod store;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use error::{Failure, Result};
use output::Output;

/// Also that of RocksDB's write buffers: puts on a cluster cost a quarter less than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return error::report_usage(&usage),
    };
    let json = cli.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => error::report(&failure, json),
    }
}

fn run(cli: Cli) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::input("threads can't be started", source))?;
    let mut out = Output::new(cli.json);
    runtime.block_on(commands::run(cli, &mut out))?;
    out.finish()
}
