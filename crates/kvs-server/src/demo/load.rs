//! From a file of matches to feeds and tables.
//!
//! The feeds themselves say what is loaded. Of each feed that the file is about, what is there is
//! read first, and only what isn't is added, the oldest match first. So loading again changes
//! nothing; a load that was killed goes on where it ended; and another file adds what it knows more.
//!
//! A match that has been played meanwhile, or whose score was put right, is added once more with its
//! new score, and then the older entry is removed. Between the two a crash leaves both: so of
//! several entries of one match the newest counts, and the others are removed when they are seen.
//!
//! Tables are counted from all matches of a division, old and new, and set. Setting what is already
//! so changes nothing either.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};

use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use kvs::entities::Executor;
use kvs::{Eid, Entry, Feed, Result};
use serde::Serialize;

use super::catalog::Catalog;
use super::data::{Match, MatchId, Matches};
use super::table::{self, Table};
use crate::error::Failure;
use crate::progress::{self, Unit};

/// How many feeds are filled at once. They don't wait for each other.
const FEEDS_AT_ONCE: usize = 16;
/// A match is an entry in the feeds of its division and of both teams.
const ENTRIES_PER_MATCH: usize = 3;

/// What loading has done.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Matches in the file.
    pub(crate) found: usize,
    /// Records that told again what another one had told.
    pub(crate) repeated: usize,
    /// Matches in the file without a score.
    pub(crate) not_played: usize,
    /// Matches that were new, or had a new score.
    pub(crate) loaded: usize,
    /// Entries added to feeds.
    pub(crate) entries: usize,
    /// Tables that are counted.
    pub(crate) tables: usize,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// Loads the matches of a file, except what is there.
pub(crate) async fn load(
    entities: &Executor,
    file: &Matches,
    no_progress: bool,
) -> Result<Summary, Failure> {
    let entries = (ENTRIES_PER_MATCH * file.matches.len()) as u64;
    let bar = progress::bar(no_progress, "loading", Unit::Entries, Some(entries));
    let loader = Loader { entities, catalog: Catalog::of(entities), bar: &bar };
    let (added, tables) = loader.load(file).await?;
    Ok(Summary {
        found: file.matches.len(),
        repeated: file.repeated,
        not_played: file.matches.iter().filter(|one| one.score.is_none()).count(),
        loaded: added.iter().collect::<HashSet<_>>().len(),
        entries: added.len(),
        tables,
        seconds: bar.elapsed().as_secs_f64(),
    })
}

/// A match by its place in the file, and what it says.
type Wanted<'a> = (usize, &'a Match);

struct Loader<'a> {
    entities: &'a Executor,
    catalog: Catalog,
    bar: &'a ProgressBar,
}

impl Loader<'_> {
    /// Gives the place in the file of the match of each entry that was added, and the number of
    /// tables.
    async fn load(&self, file: &Matches) -> Result<(Vec<usize>, usize), Failure> {
        let mut divisions = BTreeMap::<&str, Vec<Wanted<'_>>>::new();
        let mut teams = BTreeMap::<&str, Vec<Wanted<'_>>>::new();
        for wanted in file.matches.iter().enumerate() {
            divisions.entry(&wanted.1.division).or_default().push(wanted);
            for team in wanted.1.teams() {
                teams.entry(team).or_default().push(wanted);
            }
        }
        let mut added = Vec::new();
        let mut tables = 0;

        let filling = divisions.iter().map(|(name, wanted)| {
            self.division(name, wanted).map_err(|error| stopped(name, error))
        });
        let mut filling = stream::iter(filling).buffer_unordered(FEEDS_AT_ONCE);
        while let Some((new, counted)) = filling.try_next().await? {
            added.extend(new);
            tables += counted;
        }
        let filling = teams
            .iter()
            .map(|(name, wanted)| self.team(name, wanted).map_err(|error| stopped(name, error)));
        let mut filling = stream::iter(filling).buffer_unordered(FEEDS_AT_ONCE);
        while let Some(new) = filling.try_next().await? {
            added.extend(new);
        }
        Ok((added, tables))
    }

    async fn team(&self, team: &str, wanted: &[Wanted<'_>]) -> Result<Vec<usize>> {
        let filled = self.fill(&team_feed(self.entities, team), wanted).await?;
        self.catalog.teams.insert(&team.to_owned()).await?;
        Ok(filled.added)
    }

    async fn division(&self, division: &str, wanted: &[Wanted<'_>]) -> Result<(Vec<usize>, usize)> {
        let feed = self.entities.feed(format!("division/{division}"));
        let filled = self.fill(&feed, wanted).await?;
        let tables = table::tables(&filled.matches);
        for (season, table) in &tables {
            let totals = self.entities.register::<Table>(table::totals(division, *season));
            if totals.get().await?.as_ref() != Some(table) {
                totals.set(table).await?;
            }
            let board = self.entities.leaderboard(table::name(division, *season));
            for (team, totals) in table {
                board.set(team, totals.score()).await?;
            }
            self.catalog.tables.insert(&(division.to_owned(), *season)).await?;
        }
        Ok((filled.added, tables.len()))
    }

    /// Adds the matches that are not in a feed, and removes entries that a newer one replaces.
    async fn fill(&self, feed: &Feed<Match>, wanted: &[Wanted<'_>]) -> Result<Filled> {
        let Stored { mut newest, mut replaced } = stored(feed).await?;
        let mut added = Vec::new();
        for (index, wanted) in wanted {
            let old = newest.get(&wanted.id());
            let says_more =
                old.is_none_or(|old| wanted.score.is_some() && wanted.score != old.value.score);
            if says_more {
                let eid = feed.add(wanted).await?;
                let entry = Entry { eid, value: (*wanted).clone() };
                replaced.extend(newest.insert(wanted.id(), entry).map(|old| old.eid));
                added.push(*index);
            }
            self.bar.inc(1);
        }
        for eid in replaced {
            feed.remove(eid).await?;
        }
        let matches = newest.into_values().map(|entry| entry.value).collect();
        Ok(Filled { matches, added })
    }
}

/// What stopped the loading of a division's or team's matches.
fn stopped(name: &str, source: kvs::Error) -> Failure {
    Failure::Halfway { work: format!("loading {name:?}"), source }
}

/// A feed that has all matches.
struct Filled {
    /// All of them.
    matches: Vec<Match>,
    /// The places in the file of those that were added.
    added: Vec<usize>,
}

/// What a feed holds.
struct Stored {
    /// The newest entry of each match.
    newest: HashMap<MatchId, Entry<Match>>,
    /// The other entries.
    replaced: Vec<Eid>,
}

async fn stored(feed: &Feed<Match>) -> Result<Stored> {
    let mut stored = Stored { newest: HashMap::new(), replaced: Vec::new() };
    let mut entries = feed.all(None);
    while let Some(entry) = entries.try_next().await? {
        match stored.newest.entry(entry.value.id()) {
            hash_map::Entry::Vacant(newest) => {
                newest.insert(entry);
            }
            hash_map::Entry::Occupied(_) => stored.replaced.push(entry.eid),
        }
    }
    Ok(stored)
}

fn team_feed(entities: &Executor, team: &str) -> Feed<Match> {
    entities.feed(format!("team/{team}"))
}

/// All matches of a team, the newest first.
///
/// The feed has that order already, unless an older file was loaded after a newer one.
pub(crate) async fn matches_of(entities: &Executor, team: &str) -> Result<Vec<Match>> {
    let Stored { newest, replaced: _ } = stored(&team_feed(entities, team)).await?;
    let mut entries: Vec<_> = newest.into_values().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.value.date, entry.eid)));
    Ok(entries.into_iter().map(|entry| entry.value).collect())
}
