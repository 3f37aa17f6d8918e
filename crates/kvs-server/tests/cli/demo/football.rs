//! The matches that the program carries.

use serde_json::json;

use super::Shown;
use crate::store::Store;

#[test]
fn the_demo_loads_once_and_shows_what_is_asked_for() {
    let store = Store::new();
    let shown = Shown::of(store.run(["demo", "--json"]));
    assert_eq!(shown.loaded(), [6_508, 6_508, 3 * 6_508]);
    let load = shown.one("load");
    assert_eq!((&load["not_played"], &load["repeated"]), (&json!(4), &json!(0)));
    assert_eq!(load["tables"], 20);
    assert!(load["seconds"].as_f64().unwrap() > 0.0);

    let top = ["1 Leicester City 81", "2 Arsenal 71", "3 Tottenham Hotspur 70"];
    // On points alone the two would be the other way round.
    let next = ["4 Manchester City 66", "5 Manchester United 66"];
    let table = shown.table();
    assert_eq!(table.len(), 20);
    assert_eq!(
        (&table[..3], &table[3..5]),
        (&top.map(str::to_owned)[..], &next.map(str::to_owned)[..])
    );
    assert_eq!(table[19], "20 Aston Villa 17");
    let leicester = shown.all("table").next().unwrap();
    let fields = ["played", "won", "drawn", "lost", "goals_for", "goals_against", "difference"];
    let numbers = fields.map(|field| leicester[field].as_i64().unwrap());
    assert_eq!(numbers, [38, 23, 12, 3, 68, 36, 32]);
    assert!(shown.all("table").all(|line| line["played"] == 38));

    let matches: Vec<_> = shown.all("match").collect();
    assert_eq!(matches.len(), 10);
    let dates: Vec<_> = matches.iter().map(|line| line["date"].as_str().unwrap()).collect();
    assert_eq!(dates[0], "2017-05-21");
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "{dates:?}");
    let rank = json!({
        "type": "rank",
        "division": "English Premier League",
        "season": "2015/16",
        "team": "Leicester City",
        "rank": 1,
        "teams": 20,
    });
    assert_eq!(shown.one("rank"), &rank);
    let neighbours: Vec<_> = shown.all("neighbour").map(|line| line["team"].clone()).collect();
    assert_eq!(neighbours, ["Arsenal", "Tottenham Hotspur"]);

    again(&store);
    choices(&store);
    feeds_and_leaderboards(&store);
}

fn again(store: &Store) {
    let shown = Shown::of(store.run(["demo", "--json"]));
    assert_eq!(shown.loaded(), [6_508, 0, 0]);
    assert_eq!(shown.table()[0], "1 Leicester City 81");
    let plain = store.run(["demo"]).done();
    let mut lines = plain.text().lines();
    assert_eq!(lines.next(), Some("found 6,508 matches, nothing to load"));
    assert_eq!(lines.next(), Some("4 have no score: not played"));
    for text in [
        "Leicester City: the newest 10 of 114 matches",
        "2017-05-21",
        "English Premier League 2015/16",
        "Leicester City: number 1 of 20 in English Premier League 2015/16",
        "81 points",
    ] {
        assert!(plain.text().contains(text), "{text}: {}", plain.text());
    }
    let line = plain.text().lines().find(|line| line.contains("68:36")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["1", "Leicester", "City", "38", "23", "12", "3", "68:36", "+32", "81"]);
}

fn choices(store: &Store) {
    let premier_league = "English Premier League";
    for (asked, division, season, team, rank, first) in [
        (&["--team", "Juventus"][..], "Serie A", "2016/17", "Juventus", 1, "1 Juventus 91"),
        (
            &["--team", "Arsenal", "--season", "2015/16"],
            premier_league,
            "2015/16",
            "Arsenal",
            2,
            "1 Leicester City 81",
        ),
        (
            &["--team", "Aston Villa"],
            premier_league,
            "2015/16",
            "Aston Villa",
            20,
            "1 Leicester City 81",
        ),
        (&["--division", "Serie A"], "Serie A", "2016/17", "Juventus", 1, "1 Juventus 91"),
        (
            &["--division", "Primera Division", "--season", "2013-14"],
            "Primera Division",
            "2013/14",
            "Atletico",
            1,
            "1 Atletico 90",
        ),
        (
            &["--season", "2013"],
            premier_league,
            "2013/14",
            "Manchester City",
            1,
            "1 Manchester City 86",
        ),
    ] {
        let shown = Shown::of(store.run(["demo", "--json"].iter().chain(asked)));
        let place = shown.one("rank");
        let found = ["division", "season", "team"].map(|field| place[field].as_str().unwrap());
        assert_eq!(found, [division, season, team], "{asked:?}");
        assert_eq!((shown.table()[0].as_str(), &place["rank"]), (first, &json!(rank)), "{asked:?}");
    }

    // Both the match that was not played and the one that was.
    let villa = Shown::of(store.run(["demo", "--json", "--team", "Aston Villa"]));
    let matches = villa.matches();
    for (date, score) in [("2016-04-30", "not played"), ("2016-05-07", "0:0")] {
        assert!(matches.contains(&(date.to_owned(), score.to_owned())), "{matches:?}");
    }

    for (asked, error) in [
        (
            &["--team", "Leicester"][..],
            "there is no team \"Leicester\"; the nearest: Leicester City, ",
        ),
        (&["--division", "premier league"], "the nearest: English Premier League, "),
        (
            &["--season", "1966"],
            "the file has no season 1966/67; it has: 2013/14, 2014/15, 2015/16",
        ),
        (
            &["--division", "Serie A", "--season", "2012"],
            "Serie A has no season 2012/13; it has: 2013",
        ),
        (
            &["--team", "Arsenal", "--division", "Serie A"],
            "\"Arsenal\" has no matches in Serie A, but in: English",
        ),
        (
            &["--team", "Leicester City", "--season", "2013"],
            "in 2013/14, but in: English Premier League 2016/17",
        ),
    ] {
        store.run(["demo"].iter().chain(asked)).failed(3, error);
    }
}

/// The demo's feeds and leaderboards are like any others.
fn feeds_and_leaderboards(store: &Store) {
    let backend = store.path("data").read_dir().unwrap().next().unwrap().unwrap();
    let dir = backend.path();
    let kvs = |args: &[&str]| {
        store.run(args.iter().copied().chain(["--data-dir", dir.to_str().unwrap()]))
    };
    assert_eq!(kvs(&["feed", "len", "division/Serie A"]).done().text(), "1523\n");
    assert_eq!(kvs(&["feed", "len", "team/Leicester City"]).done().text(), "114\n");
    assert_eq!(kvs(&["sorted", "len", "teams"]).done().text(), "116\n");
    let top = kvs(&["leaderboard", "top", "table/English Premier League/2015/16", "-n", "1"]);
    assert_eq!(top.done().text(), "1  Leicester City  81.50320068\n");
    // The entries are matches, not texts.
    let all = kvs(&["feed", "all", "team/Leicester City"]);
    all.failed(1, "kvs: feed \"team/Leicester City\" holds something else than text: ");
}
