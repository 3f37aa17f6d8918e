//! `kvs demo`: four years of football in feeds and leaderboards.
//!
//! It works on an embedded store and on a server alike, as all that it keeps are entities.
//!
//! What an application with feeds does all day: it takes in what happened, in order, once; keeps a
//! table up to date; and answers who is where in it.
//!
//! | name | what it is |
//! |---|---|
//! | `team/<team>` | feed of a team's matches |
//! | `division/<division>` | feed of a division's matches |
//! | `table/<division>/<season>` | leaderboard of the teams: see [`table`] for the score |
//! | `totals/<division>/<season>` | register of what each team has done: see [`table`] |
//! | `teams`, `tables` | sorted sets of what there is |
//!
//! - [`data`]: a file of matches, read and checked. [`season`]: when a season is.
//! - [`load`]: from the file to feeds and tables. [`table`]: points, and the order of a table.
//! - [`catalog`]: which teams and tables there are. [`choice`]: which of them to show. [`show`]: the
//!   answers.

mod catalog;
mod choice;
pub(crate) mod data;
mod load;
pub(crate) mod season;
mod show;
mod table;

use std::path::Path;

use choice::Choice;
use data::Matches;

use crate::cli::DemoArgs;
use crate::error::Result;
use crate::output::Output;
use crate::place::Place;

/// The matches that the program carries.
const FOOTBALL: &[u8] = include_bytes!("../../data/football.json");

/// The matches of a file, or else those that the program carries.
pub(crate) fn matches(file: Option<&Path>) -> Result<Matches> {
    match file {
        Some(path) => data::read(&data::bytes(path)?, &path.display().to_string()),
        None => data::read(FOOTBALL, "football.json"),
    }
}

/// Loads the matches, and shows what can be asked about them.
pub(crate) async fn run(args: DemoArgs, place: &Place, out: &mut Output) -> Result {
    let file = matches(args.file.as_deref())?;
    let entities = place.open_or_create().await?;
    let summary = load::load(&entities, &file, out.is_json()).await?;
    show::summary(&summary, out)?;
    let choice = Choice::of(&args, &file, &entities).await?;
    show::show(&choice, &entities, out).await
}
