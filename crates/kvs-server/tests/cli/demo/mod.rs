//! `kvs demo`.

mod files;
mod football;
mod killed;

use serde_json::{Value, json};

use crate::store::{Ended, Store};

/// A record of a match.
pub(crate) fn record(
    date: &str,
    division: &str,
    teams: [&str; 2],
    score: Option<[u32; 2]>,
) -> Value {
    json!({
        "date": date,
        "division": division,
        "home_team": teams[0],
        "away_team": teams[1],
        "home_score": score.map(|score| score[0]),
        "away_score": score.map(|score| score[1]),
    })
}

/// The lines of a demo with `--json`, by their type.
struct Shown(Vec<Value>);

impl Shown {
    fn of(ended: Ended) -> Self {
        Self(ended.done().json())
    }

    /// A demo of a file of these records.
    fn run(store: &Store, records: &[Value], args: &[&str]) -> Self {
        store.write("matches.json", serde_json::to_vec(records).unwrap());
        let demo = ["--json", "demo", "--file", "matches.json"];
        Self::of(store.run(demo.iter().chain(args)))
    }

    fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |line| line["type"] == kind)
    }

    fn one<'a>(&'a self, kind: &'a str) -> &'a Value {
        let lines: Vec<_> = self.all(kind).collect();
        let [line] = lines.as_slice() else { panic!("{kind}: {lines:?}") };
        line
    }

    /// Matches that were found, matches that were loaded, entries that were added.
    fn loaded(&self) -> [u64; 3] {
        ["found", "loaded", "entries"].map(|field| self.one("load")[field].as_u64().unwrap())
    }

    /// The matches as date and score.
    fn matches(&self) -> Vec<(String, String)> {
        self.all("match")
            .map(|line| {
                let score = match &line["home_score"] {
                    Value::Null => "not played".to_owned(),
                    home => format!("{home}:{}", line["away_score"]),
                };
                (line["date"].as_str().unwrap().to_owned(), score)
            })
            .collect()
    }

    /// The table as `rank team points`.
    fn table(&self) -> Vec<String> {
        let words = |line: &Value| {
            let team = line["team"].as_str().unwrap();
            format!("{} {team} {}", line["rank"], line["points"])
        };
        self.all("table").map(words).collect()
    }
}
