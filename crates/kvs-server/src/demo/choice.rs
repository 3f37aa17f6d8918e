//! Which team and which table to show.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use kvs::entities::Executor;

use super::catalog::{Catalog, nearest};
use super::data::{Match, Matches};
use super::season::Season;
use super::{load, table};
use crate::cli::DemoArgs;
use crate::error::{Failure, Result};

/// The table to show if the file has it: the one that nobody saw coming.
const DIVISION: &str = "English Premier League";
const SEASON: &str = "2015/16";

/// A team and a table that it is in.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) team: String,
    pub(crate) division: String,
    pub(crate) season: Season,
}

impl Choice {
    /// What was asked for, and for what wasn't the most fitting.
    ///
    /// # Errors
    /// [`Failure::NotFound`] with what comes nearest.
    pub(crate) async fn of(args: &DemoArgs, file: &Matches, entities: &Executor) -> Result<Self> {
        let catalog = Catalog::of(entities);
        let divisions = catalog.divisions().await?;
        if let Some(division) = &args.division
            && !divisions.contains(division)
        {
            return Err(unknown("division", division, divisions));
        }
        let (division, season) = match &args.team {
            Some(team) => of_team(team, args, entities).await?,
            None => of_division(args, file, &catalog).await?,
        };
        let team = match &args.team {
            Some(team) => team.clone(),
            None => leader(&division, season, entities).await?,
        };
        Ok(Self { team, division, season })
    }
}

fn unknown(kind: &str, name: &str, names: impl IntoIterator<Item = String>) -> Failure {
    let nearest = nearest(name, names);
    Failure::not_found(format!("there is no {kind} {name:?}; the nearest: {nearest}"))
}

/// The table of a team's newest match, as far as it is not given.
async fn of_team(team: &str, args: &DemoArgs, entities: &Executor) -> Result<(String, Season)> {
    let matches = load::matches_of(entities, team).await?;
    if matches.is_empty() {
        let teams: Vec<String> = Catalog::of(entities).teams.flatten().try_collect().await?;
        return Err(unknown("team", team, teams));
    }
    let fits = |one: &&Match| {
        args.division.as_ref().is_none_or(|division| one.division == *division)
            && args.season.is_none_or(|season| one.season() == season)
    };
    if let Some(one) = matches.iter().find(fits) {
        return Ok((one.division.clone(), one.season()));
    }
    let asked = [args.division.clone(), args.season.map(|season| season.to_string())];
    let asked: Vec<_> = asked.into_iter().flatten().collect();
    let table = |one: &Match| format!("{} {}", one.division, one.season());
    let mut tables: Vec<_> = matches.iter().map(table).collect();
    tables.dedup();
    let (asked, tables) = (asked.join(" "), tables.join(", "));
    Err(Failure::not_found(format!("{team:?} has no matches in {asked}, but in: {tables}")))
}

/// The table of a division in its newest season, or else one that the file is about.
async fn of_division(
    args: &DemoArgs,
    file: &Matches,
    catalog: &Catalog,
) -> Result<(String, Season)> {
    let Some(division) = &args.division else { return of_file(args.season, file) };
    let seasons = catalog.seasons(division).await?;
    let season = match args.season {
        Some(season) => seasons.iter().find(|known| **known == season),
        None => seasons.last(),
    };
    let found = season.map(|season| (division.clone(), *season));
    found.ok_or_else(|| no_season(division, args.season, seasons))
}

/// The favourite table if the file has it, or else the first of the newest season.
fn of_file(season: Option<Season>, file: &Matches) -> Result<(String, Season)> {
    let fits = |one: &&Match| season.is_none_or(|season| one.season() == season);
    let tables = file.matches.iter().filter(fits).map(|one| (one.season(), &one.division));
    let tables: BTreeSet<_> = tables.collect();
    let is_favourite = |(of, division): &&(Season, &String)| {
        *division == DIVISION && (season.is_some() || of.to_string() == SEASON)
    };
    let favourite = tables.iter().find(is_favourite);
    let newest = tables.last().map(|(season, _)| season);
    let first_of_newest = tables.iter().find(|(season, _)| Some(season) == newest);
    let found = favourite.or(first_of_newest);
    let found = found.map(|(season, division)| ((*division).clone(), *season));
    found.ok_or_else(|| {
        let seasons: BTreeSet<_> = file.matches.iter().map(Match::season).collect();
        no_season("the file", season, seasons)
    })
}

fn no_season(
    of: &str,
    season: Option<Season>,
    seasons: impl IntoIterator<Item = Season>,
) -> Failure {
    let season = season.map_or("at all".to_owned(), |season| season.to_string());
    let seasons: Vec<_> = seasons.into_iter().map(|season| season.to_string()).collect();
    let seasons = seasons.join(", ");
    Failure::not_found(format!("{of} has no season {season}; it has: {seasons}"))
}

/// Who leads a table.
async fn leader(division: &str, season: Season, entities: &Executor) -> Result<String> {
    let first = entities.leaderboard(table::name(division, season)).at(1).await?;
    let leader = first.map(|line| line.member);
    leader.ok_or_else(|| Failure::not_found(format!("{division} {season} has no teams")))
}
