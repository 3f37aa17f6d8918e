//! Feeds and leaderboards through the command line.

use std::process::{Command, Output};

use serde_json::Value;

use crate::cluster::Cluster;

/// The command line on a cluster, with any of its nodes to ask.
fn kvs(cluster: &Cluster, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kvs"));
    command.args(words).env_remove("KVS_DATA_DIR").env_remove("KVS_PASSWORD_FILE");
    for door in cluster.doors() {
        command.args(["--connect", &door.to_string()]);
    }
    command.output().unwrap()
}

#[track_caller]
fn done(ended: Output) -> String {
    let error = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{error}");
    String::from_utf8(ended.stdout).unwrap()
}

/// Matches that were found, matches that were loaded, entries that were added.
fn loaded(shown: &str) -> [u64; 3] {
    let line: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    ["found", "loaded", "entries"].map(|field| line[field].as_u64().unwrap())
}

#[test]
fn the_demo_on_a_cluster_loads_once() {
    let mut cluster = Cluster::start(3, &[]);
    let shown = done(kvs(&cluster, &["demo", "--json"]));
    assert_eq!(loaded(&shown), [6_508, 6_508, 3 * 6_508]);
    // One node of three is no loss.
    cluster[0].kill();
    let again = done(kvs(&cluster, &["demo", "--json"]));
    assert_eq!(loaded(&again), [6_508, 0, 0]);
    let after_first = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(after_first(&shown), after_first(&again));

    let plain = done(kvs(&cluster, &["demo"]));
    let line = plain.lines().find(|line| line.contains("68:36")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["1", "Leicester", "City", "38", "23", "12", "3", "68:36", "+32", "81"]);
    assert_eq!(done(kvs(&cluster, &["feed", "len", "division/Serie A"])), "1523\n");
    let rank = ["leaderboard", "rank", "table/English Premier League/2015/16", "Arsenal"];
    assert_eq!(done(kvs(&cluster, &rank)), "2\n");
}
