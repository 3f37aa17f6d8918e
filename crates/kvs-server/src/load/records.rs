//! Matches as records: a key and a value each.

use std::collections::BTreeSet;

use crate::demo::data::Match;
use crate::error::{Failure, Result};

/// A key and its value.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
}

/// The records of matches.
///
/// # Errors
/// Two matches with one key, as of the teams `A-B` and `C`, and `A` and `B-C`.
pub(super) fn of(matches: &[Match]) -> Result<Vec<Record>> {
    let mut keys = BTreeSet::new();
    let record = |one: &Match| {
        let key = key(one);
        if !keys.insert(key.clone()) {
            return Err(Failure::Refused(format!("two matches have the key {key:?}")));
        }
        let value = serde_json::to_vec(one)
            .map_err(|error| Failure::input(format!("{key:?} as JSON"), error.into()))?;
        Ok(Record { key, value })
    };
    matches.iter().map(record).collect()
}

/// `match/<division>/<season>/<date>/<home team>-<away team>`, the season as in 2015-16.
fn key(one: &Match) -> String {
    let season = one.season().to_string().replace('/', "-");
    let Match { date, division, home_team, away_team, score: _ } = one;
    format!("match/{division}/{season}/{date}/{home_team}-{away_team}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(home: &str, away: &str) -> Match {
        Match {
            date: "2016-05-02".parse().unwrap(),
            division: "English Premier League".into(),
            home_team: home.into(),
            away_team: away.into(),
            score: None,
        }
    }

    #[test]
    fn each_match_has_a_key_of_its_own() {
        let records = of(&[one("Chelsea", "Tottenham Hotspur")]).unwrap();
        let key = "match/English Premier League/2015-16/2016-05-02/Chelsea-Tottenham Hotspur";
        assert_eq!(records[0].key, key);
        let json: serde_json::Value = serde_json::from_slice(&records[0].value).unwrap();
        assert_eq!(json["home_team"], "Chelsea");
        assert!(of(&[one("A-B", "C"), one("A", "B-C")]).is_err());
    }
}
