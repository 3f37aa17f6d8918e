//! `kvs leaderboard`: members by score, with ranks.

use comfy_table::CellAlignment::{Left, Right};
use kvs::entities::Executor;
use kvs::{DbaError, Leaderboard, Standing};
use serde_json::json;

use crate::cli::LeaderboardCommand;
use crate::error::{Failure, Result};
use crate::output::Output;
use crate::place::Place;

pub(crate) async fn run(command: LeaderboardCommand, place: &Place, out: &mut Output) -> Result {
    match command {
        LeaderboardCommand::Set { id, member, score } => {
            let before = board(place.open_or_create().await?, &id).set(&member, score).await?;
            out.quiet(&json!({ "member": member, "score": score, "before": before }))
        }
        LeaderboardCommand::Add { id, member, delta } => {
            let score = board(place.open_or_create().await?, &id).add(&member, delta).await?;
            out.line(score, &json!({ "member": member, "score": score }))
        }
        LeaderboardCommand::Top { id, n } => {
            let best = board(place.open().await?, &id).top(n).await;
            table(&best.map_err(reading(&id))?, out)
        }
        LeaderboardCommand::Rank { id, member } => {
            let line = board(place.open().await?, &id).around(&member, 0).await;
            match line.map_err(reading(&id))?.first() {
                Some(line) => out.line(line.rank, line),
                None => Err(no_member(&id, &member)),
            }
        }
        LeaderboardCommand::Around { id, member, n } => {
            let lines = board(place.open().await?, &id).around(&member, n).await;
            match lines.map_err(reading(&id))?.as_slice() {
                [] => Err(no_member(&id, &member)),
                lines => table(lines, out),
            }
        }
        LeaderboardCommand::Remove { id, member } => {
            match board(place.open().await?, &id).remove(&member).await? {
                Some(score) => out.quiet(&json!({ "removed": member, "score": score })),
                None => Err(no_member(&id, &member)),
            }
        }
    }
}

fn board(entities: Executor, id: &str) -> Leaderboard<String> {
    entities.leaderboard(id)
}

fn reading(id: &str) -> impl FnOnce(DbaError) -> Failure {
    Failure::reading("leaderboard", id)
}

fn no_member(id: &str, member: &str) -> Failure {
    Failure::not_found(format!("leaderboard {id:?} has no member {member:?}"))
}

fn table(lines: &[Standing<String>], out: &mut Output) -> Result {
    if out.is_json() {
        return lines.iter().try_for_each(|line| out.json(line));
    }
    let rows = lines
        .iter()
        .map(|line| [line.rank.to_string(), line.member.clone(), line.score.to_string()]);
    out.columns(None, [Right, Left, Right], rows)
}
