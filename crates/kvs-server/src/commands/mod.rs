//! The commands: a module for each group.

mod dump;
mod feed;
mod file;
mod leaderboard;
mod record;
mod ring;
mod sorted;

use serde_json::json;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::output::Output;
use crate::place::Place;
use crate::{demo, load, serve};

/// Does what the command line asks for.
pub(crate) async fn run(cli: Cli, out: &mut Output) -> Result {
    let place = Place { store: cli.store, connect: cli.connect };
    place.check(&cli.command)?;
    let Place { store, connect } = &place;
    match cli.command {
        Command::Get { key, raw } => record::get(key, raw, &place, out).await,
        Command::Put { key, value, raw } => record::put(key, value, raw, &place, out).await,
        Command::Delete { key } => record::delete(key, &place, out).await,
        Command::Feed(command) => feed::run(command, &place, out).await,
        Command::Sorted(command) => sorted::run(command, &place, out).await,
        Command::Leaderboard(command) => leaderboard::run(command, &place, out).await,
        Command::File(command) => file::run(command, store, out).await,
        Command::Dump(command) => dump::run(command, store, out).await,
        Command::Compact => {
            store.open().await?.compact().await?;
            out.quiet(&json!({ "compacted": true }))
        }
        Command::Load(args) => load::run(&args, connect, out).await,
        Command::Ring(command) => ring::run(command, &place, out).await,
        Command::Serve(options) => serve::run(*options, place.store, out).await,
        Command::Demo(args) => demo::run(args, &place.for_demo(), out).await,
    }
}
