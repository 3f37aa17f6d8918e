//! The answers: what was loaded, a team's newest matches, a table, and the team's place in it.

use std::fmt::Display;

use comfy_table::CellAlignment::{Center, Left, Right};
use futures_util::TryStreamExt;
use indicatif::HumanCount;
use kvs::Standing;
use kvs::entities::Executor;
use serde::Serialize;

use super::choice::Choice;
use super::data::Match;
use super::load::{self, Summary};
use super::season::Date;
use super::table::{self, Table, Totals};
use crate::error::{Failure, Result};
use crate::output::Output;

/// How many matches are shown.
const MATCHES: usize = 10;
/// How many neighbours are shown on each side.
const NEIGHBOURS: usize = 2;

/// A line of JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Load {
        #[serde(flatten)]
        summary: &'a Summary,
        entries_per_second: u64,
    },
    Match {
        date: Date,
        division: &'a str,
        home_team: &'a str,
        away_team: &'a str,
        home_score: Option<u16>,
        away_score: Option<u16>,
    },
    Table(&'a Place<'a>),
    Rank {
        division: &'a str,
        season: String,
        team: &'a str,
        rank: u64,
        teams: usize,
    },
    Neighbour(&'a Place<'a>),
}

/// A team's place in a table.
#[derive(Serialize)]
struct Place<'a> {
    division: &'a str,
    season: String,
    rank: u64,
    team: String,
    played: u64,
    #[serde(flatten)]
    totals: Totals,
    difference: i64,
    points: u64,
}

impl<'a> Place<'a> {
    /// A line of the leaderboard, with the totals behind its score.
    fn of(standing: Standing<String>, choice: &'a Choice, table: &Table) -> Self {
        let Standing { rank, member: team, score: _ } = standing;
        let Choice { division, season, team: _ } = choice;
        let totals = table.get(&team).copied().unwrap_or_default();
        Self {
            division,
            season: season.to_string(),
            rank,
            team,
            played: totals.played(),
            totals,
            difference: totals.difference(),
            points: totals.points(),
        }
    }
}

/// Tells what was loaded.
pub(crate) fn summary(summary: &Summary, out: &mut Output) -> Result {
    let Summary { found, repeated, not_played, loaded, entries, tables, seconds } = *summary;
    // A load without any duration has no speed: what is no finite number becomes 0 or the largest.
    let entries_per_second = (entries as f64 / seconds) as u64;
    if out.is_json() {
        return out.json(&Line::Load { summary, entries_per_second });
    }
    let count = |n: usize| HumanCount(n as u64);
    if loaded == 0 {
        out.plain(format_args!("found {} matches, nothing to load", count(found)))?;
    } else {
        let of_all = if loaded < found { format!(" of {}", count(found)) } else { String::new() };
        out.plain(format_args!(
            "loaded {}{of_all} matches as {} feed entries, and {} tables, in {seconds:.2} s: {} \
             entries a second",
            count(loaded),
            count(entries),
            count(tables),
            HumanCount(entries_per_second),
        ))?;
    }
    if not_played > 0 {
        out.plain(format_args!("{} have no score: not played", count(not_played)))?;
    }
    if repeated > 0 {
        out.plain(format_args!("{} records tell what another one tells", count(repeated)))?;
    }
    Ok(())
}

/// Shows what was chosen.
pub(crate) async fn show(choice: &Choice, entities: &Executor, out: &mut Output) -> Result {
    let Choice { team, division, season } = choice;
    let all = load::matches_of(entities, team).await?;
    let newest = all.get(..MATCHES).unwrap_or(&all);
    let (shown, count) = (newest.len(), all.len());
    heading(out, format_args!("{team}: the newest {shown} of {count} matches"))?;
    matches(newest, out)?;

    let board = entities.leaderboard::<String>(table::name(division, *season));
    let totals = entities.register::<Table>(table::totals(division, *season)).get().await?;
    let totals = totals.unwrap_or_default();
    let place = |standing| Place::of(standing, choice, &totals);
    let places: Vec<_> = board.standings().map_ok(place).try_collect().await?;
    heading(out, format_args!("{division} {season}"))?;
    table(&places, out)?;

    let Some(rank) = board.rank(team).await? else {
        let missing = format!("{team:?} is not yet in {division} {season}: load its file again");
        return Err(Failure::not_found(missing));
    };
    let around: Vec<_> = board.around(team, NEIGHBOURS).await?.into_iter().map(place).collect();
    let teams = places.len();
    if out.is_json() {
        let season = season.to_string();
        out.json(&Line::Rank { division, season, team, rank, teams })?;
        let mut neighbours = around.iter().filter(|place| place.team != *team);
        return neighbours.try_for_each(|place| out.json(&Line::Neighbour(place)));
    }
    heading(out, format_args!("{team}: number {rank} of {teams} in {division} {season}"))?;
    let rows = around
        .into_iter()
        .map(|place| [place.rank.to_string(), place.team, format!("{} points", place.points)]);
    out.columns(None, [Right, Left, Right], rows)
}

fn heading(out: &mut Output, text: impl Display) -> Result {
    if out.is_json() { Ok(()) } else { out.plain(format_args!("\n{text}")) }
}

fn matches(matches: &[Match], out: &mut Output) -> Result {
    if out.is_json() {
        return matches.iter().try_for_each(|one| {
            out.json(&Line::Match {
                date: one.date,
                division: &one.division,
                home_team: &one.home_team,
                away_team: &one.away_team,
                home_score: one.score.map(|score| score.home),
                away_score: one.score.map(|score| score.away),
            })
        });
    }
    let rows = matches.iter().map(|one| {
        let score = one.score.map_or("not played".to_owned(), |score| score.to_string());
        [one.date.to_string(), one.home_team.clone(), score, one.away_team.clone()]
    });
    out.columns(None, [Left, Right, Center, Left], rows)
}

fn table(places: &[Place<'_>], out: &mut Output) -> Result {
    if out.is_json() {
        return places.iter().try_for_each(|place| out.json(&Line::Table(place)));
    }
    let header = ["", "team", "played", "won", "drawn", "lost", "goals", "difference", "points"];
    let rows = places.iter().map(|place| {
        let Totals { won, drawn, lost, goals_for, goals_against } = place.totals;
        [
            place.rank.to_string(),
            place.team.clone(),
            place.played.to_string(),
            won.to_string(),
            drawn.to_string(),
            lost.to_string(),
            format!("{goals_for}:{goals_against}"),
            format!("{:+}", place.difference),
            place.points.to_string(),
        ]
    });
    let alignments = [Right, Left, Right, Right, Right, Right, Right, Right, Right];
    out.columns(Some(header), alignments, rows)
}
