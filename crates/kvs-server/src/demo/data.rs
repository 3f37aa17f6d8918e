//! A file of matches, read and checked.
//!
//! ```json
//! [{"date": "2016-05-02", "division": "English Premier League", "home_team": "Chelsea",
//!   "away_team": "Tottenham Hotspur", "home_score": 2, "away_score": 2}]
//! ```
//!
//! What a reader of the sports pages would understand is taken: matches in any order, matches
//! without a score (not played, or not yet), the same record twice, a score written as `2.0`, spaces
//! around a name. What could mean two things, or nothing, is refused with the number of the record
//! and the field: then nothing is loaded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::season::{Date, Season};
use crate::error::{Failure, Result};
use crate::input;

/// The largest file: room for some 300,000 matches.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The longest name of a team or division.
const NAME_BYTES_MAX: usize = 200;
/// The most goals of a team in a match. The record is 149.
const GOALS_MAX: u16 = 999;

/// A match, as it is stored in feeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Match {
    pub(crate) date: Date,
    pub(crate) division: String,
    pub(crate) home_team: String,
    pub(crate) away_team: String,
    /// `None` if it was not played.
    pub(crate) score: Option<Score>,
}

/// Goals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) home: u16,
    pub(crate) away: u16,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.home, self.away)
    }
}

/// What makes it this match and no other: the day, the division and both teams.
///
/// Two teams may meet twice at the same place in a season (Austria's ten teams play four rounds),
/// but not twice on a day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MatchId(Date, String, String, String);

impl Match {
    pub(crate) fn id(&self) -> MatchId {
        let Self { date, division, home_team, away_team, score: _ } = self.clone();
        MatchId(date, division, home_team, away_team)
    }

    pub(crate) fn season(&self) -> Season {
        self.date.season()
    }

    pub(crate) fn teams(&self) -> [&str; 2] {
        [&self.home_team, &self.away_team]
    }
}

/// The matches of a file.
#[derive(Debug)]
pub(crate) struct Matches {
    /// The oldest first; those of a day as they are in the file.
    pub(crate) matches: Vec<Match>,
    /// How many records told again what another one had told.
    pub(crate) repeated: usize,
}

/// The bytes of the file `path`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let (file, _) = input::open(path)?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|source| Failure::input(path.display().to_string(), source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let path = path.display();
        let limit = format!("{path} has more than {FILE_BYTES_MAX} bytes, the limit of the demo");
        return Err(Failure::Refused(limit));
    }
    Ok(bytes)
}

/// Reads the matches of the file `name`.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Matches> {
    let refused = |problem: String| Failure::Refused(format!("{name}: {problem}"));
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|error| refused(format!("it is no JSON: {error}")))?;
    let Value::Array(records) = json else {
        return Err(refused(format!("it is {}, not an array of matches", kind(&json))));
    };
    if records.is_empty() {
        return Err(refused("it has no matches".to_owned()));
    }
    collect(records).map_err(refused)
}

/// The matches of records, each once, in the order of their dates.
fn collect(records: Vec<Value>) -> Result<Matches, String> {
    let mut matches: Vec<(usize, Match)> = Vec::new();
    let mut places = HashMap::new();
    let mut repeated = 0;
    for (number, record) in (1..).zip(&records) {
        let new = one(record).map_err(|problem| format!("record {number}: {problem}"))?;
        let place = match places.entry(new.id()) {
            Entry::Vacant(entry) => {
                entry.insert(matches.len());
                matches.push((number, new));
                continue;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        repeated += 1;
        let Some((first, old)) = matches.get_mut(place) else { continue };
        match (old.score, new.score) {
            (None, score) => old.score = score,
            (Some(old), Some(new)) if old != new => {
                return Err(format!(
                    "record {number}: its score is {new}, but record {first}, of the same match, \
                     says {old}"
                ));
            }
            _ => {}
        }
    }
    let mut matches: Vec<_> = matches.into_iter().map(|(_, new)| new).collect();
    matches.sort_by_key(|new| new.date);
    Ok(Matches { matches, repeated })
}

/// The match of a record.
fn one(record: &Value) -> Result<Match, String> {
    let Value::Object(record) = record else {
        return Err(format!("it is {}, not an object", kind(record)));
    };
    let date = text(record, "date")?;
    let new = Match {
        date: date.parse().map_err(|problem| format!("date: {problem}"))?,
        division: name(record, "division")?,
        home_team: name(record, "home_team")?,
        away_team: name(record, "away_team")?,
        score: match (goals(record, "home_score")?, goals(record, "away_score")?) {
            (Some(home), Some(away)) => Some(Score { home, away }),
            (None, None) => None,
            (Some(home), None) => return Err(half_a_score("away_score", "home_score", home)),
            (None, Some(away)) => return Err(half_a_score("home_score", "away_score", away)),
        },
    };
    if new.home_team == new.away_team {
        return Err(format!("home_team and away_team are both {:?}", new.home_team));
    }
    Ok(new)
}

fn half_a_score(missing: &str, given: &str, goals: u16) -> String {
    format!("{missing} is missing, but {given} is {goals}")
}

fn text<'a>(record: &'a Map<String, Value>, field: &str) -> Result<&'a str, String> {
    match record.get(field) {
        Some(Value::String(text)) => Ok(text.trim()),
        None | Some(Value::Null) => Err(format!("{field} is missing")),
        Some(other) => Err(format!("{field} is {}, not a text", kind(other))),
    }
}

fn name(record: &Map<String, Value>, field: &str) -> Result<String, String> {
    let name = text(record, field)?;
    if name.is_empty() {
        return Err(format!("{field} is empty"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("{field} has {} bytes, the limit is {NAME_BYTES_MAX}", name.len()));
    }
    if name.contains(char::is_control) {
        return Err(format!("{field} is {name:?}, which has a control character"));
    }
    Ok(name.to_owned())
}

/// The goals in a field; `None` if there is no number of goals.
fn goals(record: &Map<String, Value>, field: &str) -> Result<Option<u16>, String> {
    let value = match record.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    // `2.0`, too, is a whole number.
    let goals = value.as_f64().filter(|goals| goals.fract() == 0.0);
    match goals.filter(|goals| (0.0..=f64::from(GOALS_MAX)).contains(goals)) {
        Some(goals) => Ok(Some(goals as u16)),
        None => Err(format!("{field} is {value}, not a whole number from 0 to {GOALS_MAX}")),
    }
}

/// What a value is, to people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
