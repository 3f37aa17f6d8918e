use super::*;

const MATCH: &str = r#"{"date": "2016-05-02", "division": "Premier League", "home_team": "Chelsea",
    "away_team": "Spurs", "home_score": 2, "away_score": 2}"#;

/// [`MATCH`], with a part replaced.
fn with(part: &str, by: &str) -> String {
    assert!(MATCH.contains(part), "{part}");
    MATCH.replace(part, by)
}

fn read_text(text: &str) -> Result<Matches, String> {
    read(text.as_bytes(), "m.json").map_err(|failure| failure.to_string())
}

fn read_records(records: &[&str]) -> Result<Matches, String> {
    read_text(&format!("[{}]", records.join(",")))
}

fn scores(matches: &Matches) -> Vec<String> {
    let score = |one: &Match| one.score.map_or("none".to_owned(), |score| score.to_string());
    matches.matches.iter().map(score).collect()
}

#[test]
fn what_a_reader_would_understand_is_taken() {
    let not_played = with("2, \"away_score\": 2", "null, \"away_score\": null");
    let without = with(", \"home_score\": 2, \"away_score\": 2", "");
    let later = with("05-02", "08-02");
    let cases: &[(&[&str], &[&str], usize)] = &[
        (&[MATCH], &["2:2"], 0),
        (&[&with("2,", "2.0,")], &["2:2"], 0),
        (&[&with("2,", "0,")], &["0:2"], 0),
        (&[&not_played], &["none"], 0),
        (&[&without], &["none"], 0),
        (&[MATCH, MATCH, MATCH], &["2:2"], 2),
        (&[MATCH, &with("\"Chelsea\"", "\" Chelsea\\n\"")], &["2:2"], 1),
        (&[&not_played, MATCH], &["2:2"], 1),
        (&[MATCH, &not_played], &["2:2"], 1),
        (&[&not_played, &without], &["none"], 1),
        (&[&later, &not_played, MATCH], &["2:2", "2:2"], 1),
        (&[&with("2}", "2, \"stadium\": [1]}")], &["2:2"], 0),
    ];
    for (records, expected, repeated) in cases {
        let matches = read_records(records).unwrap();
        assert_eq!(
            (
                scores(&matches).iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
                matches.repeated
            ),
            (*expected, *repeated),
            "{records:?}"
        );
    }
    assert!(read_text(&format!("\u{feff} [{MATCH}]\n")).is_ok());
}

#[test]
fn what_could_mean_two_things_is_refused() {
    let cases: &[(&str, &str)] = &[
        ("", "m.json: it is no JSON: EOF while parsing"),
        ("Chelsea 2:2 Spurs", "m.json: it is no JSON: "),
        (MATCH, "m.json: it is an object, not an array of matches"),
        ("12", "m.json: it is a number, not"),
        ("[]", "m.json: it has no matches"),
        ("[[]]", "record 1: it is an array, not an object"),
        (&format!("[{MATCH}, null]"), "record 2: it is null, not an object"),
    ];
    for (text, problem) in cases {
        let found = read_text(text).unwrap_err();
        assert!(found.contains(problem), "{text}: {found}");
    }

    let long = "x".repeat(201);
    let cases = [
        ("2016-05-02", "2016-02-30", "date: \"2016-02-30\" is no date"),
        ("2016-05-02", "02.05.2016", "date: \"02.05.2016\" is no date"),
        ("\"2016-05-02\"", "20160502", "date is a number, not a text"),
        ("\"2016-05-02\"", "null", "date is missing"),
        ("\"date\"", "\"day\"", "date is missing"),
        ("Premier League", "", "division is empty"),
        ("Premier League", " ", "division is empty"),
        ("Premier League", &long, "division has 201 bytes, the limit is 200"),
        ("\"Chelsea\"", "[\"Chelsea\"]", "home_team is an array, not a text"),
        ("Chelsea", "Chel\\u0007sea", "home_team is \"Chel\\u{7}sea\", which has a control"),
        ("\"away_team\"", "\"guest\"", "away_team is missing"),
        ("Spurs", "Chelsea", "home_team and away_team are both \"Chelsea\""),
        ("Spurs", " Chelsea ", "home_team and away_team are both \"Chelsea\""),
        ("2,", "null,", "home_score is missing, but away_score is 2"),
        ("2}", "null}", "away_score is missing, but home_score is 2"),
        ("2,", "-1,", "home_score is -1, not a whole number from 0 to 999"),
        ("2,", "1.5,", "home_score is 1.5, not a whole number"),
        ("2}", "1000}", "away_score is 1000, not a whole number from 0 to 999"),
        ("2}", "1e400}", "it is no JSON: number out of range"),
        ("2,", "\"2\",", "home_score is \"2\", not a whole number"),
        ("2,", "true,", "home_score is true, not a whole number"),
    ];
    for (part, by, problem) in cases {
        let found = read_records(&[&with("Chelsea", "Leeds"), &with(part, by)]).unwrap_err();
        assert!(found.contains(problem), "{by}: {found}");
        assert!(found.contains("record 2: ") || found.contains("JSON"), "{by}: {found}");
    }
}

#[test]
fn two_scores_of_a_match_are_refused() {
    let found = read_records(&[&with("Chelsea", "Leeds"), MATCH, MATCH, &with("2,", "3,")]);
    let problem = "record 4: its score is 3:2, but record 2, of the same match, says 2:2";
    assert_eq!(found.unwrap_err(), format!("m.json: {problem}"));
}

#[test]
fn matches_come_in_the_order_of_their_dates_and_those_of_a_day_as_they_were() {
    let records = [("05-09", "A"), ("05-02", "B"), ("05-09", "C"), ("05-02", "D")];
    let records = records.map(|(date, team)| with("05-02", date).replace("Chelsea", team));
    let matches = read_records(&records.each_ref().map(String::as_str)).unwrap();
    let teams: Vec<_> = matches.matches.iter().map(|one| one.home_team.as_str()).collect();
    assert_eq!(teams, ["B", "D", "A", "C"]);
}

#[test]
fn the_matches_in_the_program_are_as_they_are_described() {
    let football = read(super::super::FOOTBALL, "football.json").unwrap();
    let matches = &football.matches;
    assert_eq!((matches.len(), football.repeated), (6_508, 0));
    assert_eq!(matches.first().unwrap().date.to_string(), "2013-07-20");
    assert_eq!(matches.last().unwrap().date.to_string(), "2017-05-28");
    let not_played: Vec<_> = matches.iter().filter(|one| one.score.is_none()).collect();
    assert_eq!(not_played.len(), 4);
    for one in not_played {
        let is_same = |other: &&Match| {
            other.teams() == one.teams() && other.season() == one.season() && other.score.is_some()
        };
        assert_eq!(matches.iter().filter(is_same).count(), 1, "{one:?}");
    }
}
