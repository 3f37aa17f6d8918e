//! Points, and the order of a table.
//!
//! A table is ordered by points, then by goal difference, then by goals scored. A leaderboard orders
//! by one number, so the three make one:
//!
//! ```text
//!   81.50320068
//!   ││ │   └─── goals scored: 68
//!   ││ └─────── 5,000 + goal difference: 5,032 − 5,000 = +32
//!   └┴───────── points: 81
//! ```
//!
//! With that, `rank`, `top` and `around` of the leaderboard are the league table's. A number of
//! 64 bits keeps 15 decimal digits, so up to 9,999,999 points are exact. Goal differences beyond
//! ±4,999 and goals beyond 9,999 in one season count as just that; no league comes near.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::data::Match;
use super::season::Season;

const DIFFERENCE_MAX: i64 = 4_999;
const GOALS_MAX: i64 = 9_999;

/// What a team has done in a season.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) won: u64,
    pub(crate) drawn: u64,
    pub(crate) lost: u64,
    pub(crate) goals_for: u64,
    pub(crate) goals_against: u64,
}

impl Totals {
    /// Counts a match with this many goals for and against.
    fn count(&mut self, goals_for: u16, goals_against: u16) {
        self.goals_for += u64::from(goals_for);
        self.goals_against += u64::from(goals_against);
        match goals_for.cmp(&goals_against) {
            std::cmp::Ordering::Greater => self.won += 1,
            std::cmp::Ordering::Equal => self.drawn += 1,
            std::cmp::Ordering::Less => self.lost += 1,
        }
    }

    pub(crate) fn played(&self) -> u64 {
        self.won + self.drawn + self.lost
    }

    /// 3 a win, 1 a draw.
    pub(crate) fn points(&self) -> u64 {
        3 * self.won + self.drawn
    }

    pub(crate) fn difference(&self) -> i64 {
        self.goals_for as i64 - self.goals_against as i64
    }

    /// The team's score in the leaderboard.
    pub(crate) fn score(&self) -> f64 {
        let difference = self.difference().clamp(-DIFFERENCE_MAX, DIFFERENCE_MAX);
        let goals = (self.goals_for as i64).min(GOALS_MAX);
        let digits = self.points() as i64 * 100_000_000 + (5_000 + difference) * 10_000 + goals;
        digits as f64 / 1e8
    }
}

/// The teams of a table, by name.
pub(crate) type Table = BTreeMap<String, Totals>;

/// The tables of a division's matches. A match that was not played brings its teams into the table,
/// and no more.
pub(crate) fn tables<'a>(matches: impl IntoIterator<Item = &'a Match>) -> BTreeMap<Season, Table> {
    let mut tables = BTreeMap::<_, Table>::new();
    for one in matches {
        let table = tables.entry(one.season()).or_default();
        let [home, away] = one.teams().map(str::to_owned);
        let home = table.entry(home).or_default();
        if let Some(score) = one.score {
            home.count(score.home, score.away);
        }
        let away = table.entry(away).or_default();
        if let Some(score) = one.score {
            away.count(score.away, score.home);
        }
    }
    tables
}

/// The name of a table's leaderboard.
pub(crate) fn name(division: &str, season: Season) -> String {
    format!("table/{division}/{season}")
}

/// The name of the register with the [`Table`] itself: what the scores are made of.
pub(crate) fn totals(division: &str, season: Season) -> String {
    format!("totals/{division}/{season}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(won: u64, drawn: u64, goals_for: u64, goals_against: u64) -> Totals {
        Totals { won, drawn, lost: 0, goals_for, goals_against }
    }

    #[test]
    fn the_score_has_the_order_of_the_table() {
        let leicester = totals(23, 12, 68, 36);
        assert_eq!(leicester.score(), 81.50320068);
        let best_first = [
            totals(1_000_000, 0, 0, 0),
            totals(23, 13, 0, 5_000),
            totals(23, 12, 9_999, 0),
            totals(23, 12, 5_002, 3),
            totals(23, 12, 69, 36),
            totals(23, 12, 69, 37),
            leicester,
            totals(23, 12, 100, 69),
            totals(23, 12, 0, 4_999),
            totals(23, 11, 9_999, 0),
            totals(0, 1, 1, 1),
            totals(0, 1, 0, 0),
            totals(0, 0, 0, 0),
            totals(0, 0, 0, 1),
        ];
        for pair in best_first.windows(2) {
            let (better, worse) = (pair[0].score(), pair[1].score());
            assert!(better > worse, "{pair:?}: {better} {worse}");
            assert_eq!(better.trunc() as u64, pair[0].points());
        }
    }

    #[test]
    fn what_passes_the_bounds_counts_as_the_bound() {
        assert_eq!(totals(1, 0, 20_000, 0).score(), 3.99999999);
        assert_eq!(totals(1, 0, 0, 20_000).score(), 3.0001);
    }

    #[test]
    fn matches_make_tables() {
        let matches: Vec<Match> = [
            ("2016-05-02", "Chelsea", "Spurs", Some((2, 2))),
            ("2016-05-03", "Spurs", "Chelsea", Some((3, 1))),
            ("2016-05-04", "Spurs", "Chelsea", None),
            ("2016-08-13", "Chelsea", "Fulham", None),
        ]
        .map(|(date, home, away, score)| Match {
            date: date.parse().unwrap(),
            division: "Cup".to_owned(),
            home_team: home.to_owned(),
            away_team: away.to_owned(),
            score: score.map(|(home, away)| super::super::data::Score { home, away }),
        })
        .into();
        let tables = tables(&matches);
        let season = |text: &str| &tables[&text.parse::<Season>().unwrap()];
        let spurs = Totals { won: 1, drawn: 1, lost: 0, goals_for: 5, goals_against: 3 };
        let chelsea = Totals { won: 0, drawn: 1, lost: 1, goals_for: 3, goals_against: 5 };
        assert_eq!(season("2015/16")["Spurs"], spurs);
        assert_eq!(season("2015/16")["Chelsea"], chelsea);
        assert_eq!((spurs.played(), spurs.points(), spurs.difference()), (2, 4, 2));
        let not_played =
            [("Chelsea".to_owned(), Totals::default()), ("Fulham".to_owned(), Totals::default())];
        assert_eq!(season("2016/17"), &Table::from(not_played));
    }
}
