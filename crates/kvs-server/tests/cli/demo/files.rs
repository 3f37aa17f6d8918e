//! Files of other matches.

use serde_json::{Value, json};

use super::{Shown, record};
use crate::store::Store;

const CUP: &str = "Cup";

fn matches(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(date, score)| ((*date).to_owned(), (*score).to_owned())).collect()
}

#[test]
fn defaults_fit_another_file() {
    let store = Store::new();
    let records = [
        record("2022-09-01", "Liga B", ["Dia", "Eos"], Some([0, 3])),
        record("2023-02-01", "Liga B", ["Eos", "Dia"], Some([1, 1])),
        record("2023-02-02", "Liga A", ["Ant", "Bee"], Some([5, 6])),
        record("2021-09-01", "Liga A", ["Ant", "Bee"], Some([1, 0])),
    ];
    let shown = Shown::run(&store, &records, &[]);
    assert_eq!(shown.loaded(), [4, 4, 12]);
    let rank = shown.one("rank");
    assert_eq!((&rank["division"], &rank["season"]), (&json!("Liga A"), &json!("2022/23")));
    assert_eq!(shown.table(), ["1 Bee 3", "2 Ant 0"]);
    assert_eq!(shown.matches(), matches(&[("2023-02-02", "5:6"), ("2021-09-01", "1:0")]));

    // The next file in the same folder: its own matches are shown, the others are still there.
    let records = [record("2024-08-01", "Liga C", ["Fox", "Gnu"], Some([2, 0]))];
    let shown = Shown::run(&store, &records, &[]);
    assert_eq!(
        (shown.loaded(), shown.table()),
        ([1, 1, 3], vec!["1 Fox 3".into(), "2 Gnu 0".into()])
    );
    let shown = Shown::run(&store, &records, &["--team", "Dia"]);
    assert_eq!(
        (shown.loaded(), shown.table()),
        ([1, 0, 0], vec!["1 Eos 4".into(), "2 Dia 1".into()])
    );
}

#[test]
fn ties_are_broken_by_goal_difference_and_goals() {
    let store = Store::new();
    let records = [
        record("2022-09-01", CUP, ["Ant", "Zoo"], Some([1, 0])),
        record("2022-09-02", CUP, ["Bee", "Zoo"], Some([3, 2])),
        record("2022-09-03", CUP, ["Cat", "Zoo"], Some([2, 0])),
        record("2022-09-04", CUP, ["Dog", "Zoo"], Some([2, 0])),
    ];
    let shown = Shown::run(&store, &records, &["--team", "Bee"]);
    assert_eq!(shown.table(), ["1 Cat 3", "2 Dog 3", "3 Bee 3", "4 Ant 3", "5 Zoo 0"]);
    assert_eq!(shown.one("rank")["rank"], 3);
    let neighbours: Vec<_> = shown.all("neighbour").map(|line| &line["team"]).collect();
    assert_eq!(neighbours, ["Cat", "Dog", "Ant", "Zoo"]);
}

#[test]
fn matches_that_were_not_played_count_for_nothing() {
    let store = Store::new();
    let mut without_scores = record("2022-09-03", CUP, ["Ant", "Cat"], None);
    without_scores.as_object_mut().unwrap().retain(|field, _| !field.ends_with("score"));
    let records = [
        record("2022-09-01", CUP, ["Ant", "Bee"], None),
        record("2022-09-02", CUP, ["Bee", "Ant"], Some([0, 2])),
        without_scores,
    ];
    let shown = Shown::run(&store, &records, &["--team", "Ant"]);
    assert_eq!(shown.one("load")["not_played"], 2);
    assert_eq!(shown.table(), ["1 Ant 3", "2 Cat 0", "3 Bee 0"]);
    let played: Vec<_> = shown.all("table").map(|line| &line["played"]).collect();
    assert_eq!(played, [1, 0, 1]);
    let not_played = "not played";
    let all = [("2022-09-03", not_played), ("2022-09-02", "0:2"), ("2022-09-01", not_played)];
    assert_eq!(shown.matches(), matches(&all));
    let plain = store.run(["demo", "--file", "matches.json", "--team", "Ant"]).done();
    assert_eq!(plain.text().matches("not played").count(), 3, "{}", plain.text());
}

#[test]
fn scores_that_come_later_take_the_place_of_none() {
    let store = Store::new();
    let fixture = |score| record("2022-09-01", CUP, ["Ant", "Bee"], score);
    let later = record("2022-09-08", CUP, ["Ant", "Bee"], Some([1, 1]));
    let show = |records: &[Value]| Shown::run(&store, records, &["--team", "Ant"]);

    assert_eq!(show(&[fixture(None), later.clone()]).loaded(), [2, 2, 6]);
    for (score, expected, loaded) in [
        (Some([2, 0]), "2:0", 1),
        // The same again, and then a file that doesn't know of it.
        (Some([2, 0]), "2:0", 0),
        (None, "2:0", 0),
        // A score that was put right.
        (Some([2, 1]), "2:1", 1),
    ] {
        let shown = show(&[fixture(score), later.clone()]);
        assert_eq!(shown.loaded(), [2, loaded, 3 * loaded]);
        assert_eq!(shown.matches(), matches(&[("2022-09-08", "1:1"), ("2022-09-01", expected)]));
        assert_eq!(shown.table(), ["1 Ant 4", "2 Bee 1"]);
    }
}

#[test]
fn records_that_are_there_twice_count_once() {
    let store = Store::new();
    let one = record("2022-09-01", CUP, ["Ant", "Bee"], Some([1, 0]));
    // The return match and a second round are matches of their own.
    let others = [
        record("2022-09-01", CUP, ["Bee", "Ant"], Some([1, 0])),
        record("2023-03-01", CUP, ["Ant", "Bee"], Some([1, 0])),
    ];
    let records = [&[one.clone(), one.clone()], &others[..], &[one]].concat();
    let shown = Shown::run(&store, &records, &[]);
    assert_eq!((shown.loaded(), &shown.one("load")["repeated"]), ([3, 3, 9], &json!(2)));
    assert_eq!(shown.table(), ["1 Ant 6", "2 Bee 3"]);
    let plain = store.run(["demo", "--file", "matches.json"]).done();
    assert!(plain.text().contains("2 records tell what another one tells"), "{}", plain.text());
}

#[test]
fn an_older_file_that_comes_later_is_shown_by_date() {
    let store = Store::new();
    let new = record("2022-09-01", CUP, ["Ant", "Bee"], Some([1, 0]));
    let old = record("2012-09-01", CUP, ["Ant", "Bee"], Some([0, 1]));
    Shown::run(&store, &[new], &[]);
    let shown = Shown::run(&store, &[old], &["--team", "Ant"]);
    assert_eq!(shown.matches(), matches(&[("2022-09-01", "1:0"), ("2012-09-01", "0:1")]));
    assert_eq!(shown.one("rank")["season"], "2022/23");
}

#[test]
fn a_file_with_a_mistake_is_refused_and_nothing_is_loaded() {
    let store = Store::new();
    let good = record("2022-09-01", CUP, ["Ant", "Bee"], Some([1, 0]));
    let with = |field: &str, value: Value| {
        let mut record = good.clone();
        record[field] = value;
        json!([good, record]).to_string()
    };
    for (text, error) in [
        (String::new(), "kvs: matches.json: it is no JSON: "),
        ("Ant 1:0 Bee".to_owned(), "kvs: matches.json: it is no JSON: "),
        ("[]".to_owned(), "kvs: matches.json: it has no matches"),
        ("{}".to_owned(), "kvs: matches.json: it is an object, not an array of matches"),
        (
            with("date", json!("01.09.2022")),
            "kvs: matches.json: record 2: date: \"01.09.2022\" is no",
        ),
        (with("date", Value::Null), "record 2: date is missing"),
        (with("home_team", json!("Bee")), "record 2: home_team and away_team are both \"Bee\""),
        (with("home_score", Value::Null), "record 2: home_score is missing, but away_score is 0"),
        (with("away_score", json!(-1)), "record 2: away_score is -1, not a whole number"),
        (with("away_score", json!(0.5)), "record 2: away_score is 0.5, not a whole number"),
        (
            with("away_score", json!(3)),
            "record 2: its score is 1:3, but record 1, of the same match",
        ),
    ] {
        store.write("matches.json", text);
        store.run(["demo", "--file", "matches.json"]).failed(1, error);
    }
    store.run(["demo", "--file", "none.json"]).failed(1, "kvs: none.json: No such file");
    store.run(["demo", "--file", "."]).failed(1, "kvs: .: is a directory");
    assert!(!store.data().exists());
}

#[test]
fn names_may_be_of_any_script() {
    let store = Store::new();
    let teams = ["Реал/Мадрид", "東京 \"FC\""];
    let shown =
        Shown::run(&store, &[record("2022-09-01", "Österreich/1", teams, Some([0, 4]))], &[]);
    assert_eq!(shown.table(), ["1 東京 \"FC\" 3", "2 Реал/Мадрид 0"]);
}

#[test]
fn names_that_are_taken_are_told() {
    let store = Store::new();
    let records = [record("2022-09-01", CUP, ["Ant", "Bee"], Some([1, 0]))];
    store.write("matches.json", serde_json::to_vec(&records).unwrap());
    let demo = ["demo", "--file", "matches.json", "--data-dir", "data"];
    store.run(["sorted", "insert", "team/Ant", "x"]).done();
    store.run(demo).failed(1, "kvs: loading \"Ant\" stopped halfway: \"team/Ant\" is a sorted");
    store.run(["feed", "add", "team/Bee", "a text"]).done();
    store.run(["sorted", "remove", "team/Ant", "x"]).done();
    let refused = store.run(demo.iter().chain(&["--json"]));
    refused.failed(1, r#""retryable":false,"applied":"unknown"}"#);
    store.play("> feed all team/Bee\n1\ta text\n");
}
