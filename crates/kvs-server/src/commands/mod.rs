//! The commands: a module for each group.

mod dump;
mod feed;
mod file;
mod leaderboard;
mod record;
mod sorted;

use serde_json::json;

use crate::cli::{Cli, Command};
use crate::demo;
use crate::error::Result;
use crate::output::Output;
use crate::serve;

/// Does what the command line asks for.
pub(crate) async fn run(cli: Cli, out: &mut Output) -> Result {
    let store = cli.store;
    match cli.command {
        Command::Get { key } => record::get(key, &store, out).await,
        Command::Put { key, value } => record::put(key, value, &store, out).await,
        Command::Delete { key } => record::delete(key, &store, out).await,
        Command::Feed(command) => feed::run(command, &store, out).await,
        Command::Sorted(command) => sorted::run(command, &store, out).await,
        Command::Leaderboard(command) => leaderboard::run(command, &store, out).await,
        Command::File(command) => file::run(command, &store, out).await,
        Command::Dump(command) => dump::run(command, &store, out).await,
        Command::Compact => {
            store.open().await?.compact().await?;
            out.quiet(&json!({ "compacted": true }))
        }
        Command::Serve(options) => serve::run(*options, store, out).await,
        Command::Demo(args) => demo::run(args, store.for_demo(), out).await,
    }
}
