//! Commands on a server.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::demo::record;
use crate::serve::Node;
use crate::store::{Ended, Store};

/// An address at which nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn run(store: &Store, node: &Node, args: &[&str]) -> Ended {
    store.run([args, &["--connect", &node.resp]].concat())
}

#[test]
fn records_on_a_server() {
    let store = Store::new();
    let node = Node::start(&store, &[]);
    let run = |args: &[&str]| run(&store, &node, args);
    run(&["get", "k"]).failed(3, r#"kvs: there is no record "k""#);
    run(&["delete", "k"]).failed(3, r#"kvs: there is no record "k""#);
    for value in ["hello", "", "two\nlines\n", "7 ⚽", "-5"] {
        assert_eq!(run(&["put", "k", value]).done().text(), "");
        assert_eq!(run(&["get", "k"]).done().text(), format!("{value}\n"));
        assert_eq!(run(&["get", "k", "--json"]).done().json(), [json!({ "value": value })]);
    }
    assert_eq!(run(&["delete", "k", "--json"]).done().json(), [json!({ "deleted": "k" })]);
    run(&["get", "k"]).failed(3, "there is no record");
    run(&["get", &"k".repeat(1_025)]).failed(1, "the limit is 1024");
    run(&["get", ""]).failed(1, "refused");
}

#[test]
fn typed_and_raw_records_on_a_server() {
    let store = Store::new();
    let node = Node::start(&store, &[]);
    run(&store, &node, &["put", "plain", "three", "--raw"]).done();
    assert_eq!(node.redis("RING.GET plain"), "$5\r\nthree\r\n+OK\r\n");
    assert_eq!(node.redis("RING.PUT other four"), "+OK\r\n+OK\r\n");
    // Redis' own strings are no records.
    assert_eq!(node.redis("GET plain"), "$-1\r\n+OK\r\n");
    run(&store, &node, &["get", "other"]).failed(1, "something else than text");
    assert_eq!(run(&store, &node, &["get", "other", "--raw"]).done().text(), "four");
}

#[test]
fn entities_on_a_server() {
    let store = Store::new();
    let node = Node::start(&store, &[]);
    let run = |command: &str| run(&store, &node, &command.split(' ').collect::<Vec<_>>());
    for (command, expected) in [
        ("feed add goals Saka", "1\n"),
        ("feed add goals Rice", "2\n"),
        ("feed all goals", "2\tRice\n1\tSaka\n"),
        ("feed head goals --json", "{\"eid\":2,\"value\":\"Rice\"}\n"),
        ("feed remove goals 1", ""),
        ("feed cleanup goals", "1\n"),
        ("feed len goals", "1\n"),
        ("sorted insert teams b", ""),
        ("sorted insert teams a", ""),
        ("sorted flatten teams", "a\nb\n"),
        ("leaderboard set cup ann 3", ""),
        ("leaderboard add cup bob 4", "4\n"),
        ("leaderboard rank cup ann", "2\n"),
        ("leaderboard around cup ann -n 1", "1  bob  4\n2  ann  3\n"),
    ] {
        assert_eq!(run(command).done().text(), expected, "{command}");
    }
    assert_eq!(node.redis("FEED.GET goals 2"), "$4\r\nRice\r\n+OK\r\n");
    run("feed get goals 9").failed(3, "feed \"goals\" has no entry 9");
    run("feed len cup").failed(1, "leaderboard");
    run("leaderboard set cup ann inf").failed(1, "finite");
}

#[test]
fn the_folders_of_nodes_and_of_embedded_stores_are_told_apart() {
    let store = Store::new();
    Node::start(&store, &[]).stop("-TERM");
    store.run(["get", "k"]).failed(1, "node");

    let store = Store::new();
    store.run(["put", "k", "v"]).done();
    store.run(["serve", "--rpc-addr", "127.0.0.1:0"]).failed(1, "embedded");
    assert_eq!(store.run(["get", "k"]).done().text(), "v\n");
}

#[test]
fn a_password_is_given() {
    let store = Store::new();
    let right = store.write("right", "pass word\n");
    let wrong = store.write("wrong", "password\n");
    let node = Node::start(&store, &["--password-file", &right]);
    let run = |args: &[&str]| run(&store, &node, args);
    for command in [
        &["put", "k", "v"][..],
        &["get", "k"],
        &["load"],
        &["ring", "status"],
        &["feed", "add", "f", "v"],
        &["demo"],
    ] {
        run(command).failed(1, "--password-file");
        run(&[command, &["--password-file", &wrong]].concat()).failed(1, "--password-file");
    }
    run(&["put", "k", "v", "--password-file", &right]).done();
    let mut from_env = store.command(["get", "k", "--connect", &node.resp]);
    assert_eq!(from_env.env("KVS_PASSWORD_FILE", &right).output().unwrap().stdout, b"v\n");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let store = Store::new();
    let nobody = nobody();
    for command in [
        &["get", "k"][..],
        &["put", "k", "v"],
        &["load"],
        &["ring", "status"],
        &["leaderboard", "top", "l"],
        &["demo"],
    ] {
        let problem = format!("kvs: {nobody} can't be reached");
        store.run([command, &["--connect", &nobody]].concat()).failed(1, &problem);
    }
    let failed = store.run(["put", "k", "v", "--json", "--connect", &nobody]);
    let error: Value = serde_json::from_str(&failed.err).unwrap();
    assert_eq!((&error["retryable"], &error["applied"]), (&json!(true), &json!("no")));

    let node = Node::start(&store, &[]);
    let both = ["--connect", &nobody, "--connect", &node.resp];
    store.run([&["put", "k", "v"][..], &both].concat()).done();
    assert_eq!(store.run([&["get", "k"][..], &both].concat()).done().text(), "v\n");
}

#[test]
fn what_does_not_work_on_a_server_is_refused() {
    let store = Store::new();
    for command in ["file ls d", "dump save all.zip", "compact", "serve"] {
        let command: Vec<_> = command.split(' ').chain(["--connect", "127.0.0.1:1"]).collect();
        store.run(command).failed(2, "doesn't work with --connect");
    }
    for flags in [["--data-dir", "d"], ["--backend", "fjall"], ["--durability", "os"]] {
        let command = [&["get", "k", "--connect", "127.0.0.1:1"], &flags[..]].concat();
        store.run(command).failed(2, &format!("{} doesn't go with --connect", flags[0]));
    }
    for command in [&["load"][..], &["ring", "status"]] {
        store.run(command).failed(2, "--connect HOST:PORT");
    }
    for address in ["localhost", "localhost:port", "redis://localhost:6380"] {
        store.run(["get", "k", "--connect", address]).failed(2, "isn't HOST:PORT");
    }
    assert!(!store.data().exists() && !store.path("d").exists());
}

/// So many matches.
fn matches(count: usize) -> Vec<u8> {
    let one = |n: usize| {
        let date = format!("{}-{:02}-{:02}", 1900 + n / 336, 1 + n / 28 % 12, 1 + n % 28);
        record(&date, "Division", ["Home", "Away"], (!n.is_multiple_of(9)).then_some([2, 1]))
    };
    serde_json::to_vec(&(0..count).map(one).collect::<Vec<_>>()).unwrap()
}

#[test]
fn matches_are_loaded_and_read_back() {
    let store = Store::new();
    let node = Node::start(&store, &[]);
    let file = store.write("matches.json", matches(100));
    let load = ["load", "--file", &file, "--verify", "--acknowledged", "keys", "--json"];
    for clients in ["1", "3", "256"] {
        let ended = run(&store, &node, &[&load[..], &["--clients", clients]].concat()).done();
        let summary = &ended.json()[0];
        for (name, expected) in
            [("found", 100), ("loaded", 100), ("failed", 0), ("retried", 0), ("verified", 100)]
        {
            assert_eq!(summary[name], expected, "{summary}");
        }
        let keys = std::fs::read_to_string(store.path("keys")).unwrap();
        let keys: BTreeSet<_> = keys.lines().collect();
        assert_eq!(keys.len(), 100);
        let key = "match/Division/1899-00/1900-01-02/Home-Away";
        assert!(keys.contains(key), "{keys:?}");
        let value = run(&store, &node, &["get", key, "--raw"]).done();
        assert_eq!(value.json()[0]["score"], json!({ "home": 2, "away": 1 }));
    }
    let plain = run(&store, &node, &["load", "--file", &file]).done();
    assert!(plain.text().starts_with("loaded 100 records in "), "{plain:?}");
}

#[test]
fn only_acknowledged_records_count() {
    let store = Store::new();
    let file = store.write("matches.json", matches(20_000));
    let node = Node::start(&store, &[]);
    let mut load = store.command(["load", "--json", "--patience", "1s", "--file", &file]);
    let load = load.args(["--acknowledged", "keys", "--connect", &node.resp]).spawn().unwrap();
    let acknowledged = || std::fs::read_to_string(store.path("keys")).unwrap_or_default();
    while acknowledged().len() < 1_000 {
        std::thread::yield_now();
    }
    drop(node);
    let ended = crate::store::ended(load).failed(1, "records are not loaded");
    let summary = &ended.json()[0];
    let keys = acknowledged();
    assert_eq!(summary["loaded"], keys.lines().count());
    let [loaded, failed] = ["loaded", "failed"].map(|name| summary[name].as_u64().unwrap());
    assert!(loaded + failed == 20_000 && failed > 0, "{summary}");

    let node = Node::start(&store, &[]);
    for key in keys.lines().step_by(keys.lines().count() / 20 + 1) {
        run(&store, &node, &["get", key, "--raw"]).done();
    }
}

#[test]
fn a_load_outlives_its_server() {
    let store = Store::new();
    let file = store.write("matches.json", matches(20_000));
    let [first, second] = ["first", "second"].map(|dir| Node::start(&store, &["--data-dir", dir]));
    let mut load = store.command(["load", "--json", "--file", &file, "--acknowledged", "keys"]);
    load.args(["--connect", &first.resp, "--connect", &second.resp]);
    let load = load.spawn().unwrap();
    while std::fs::read(store.path("keys")).unwrap_or_default().len() < 1_000 {
        std::thread::yield_now();
    }
    drop(first);
    let summary = &crate::store::ended(load).done().json()[0];
    assert_eq!((&summary["loaded"], &summary["failed"]), (&json!(20_000), &json!(0)));
    assert!(summary["retried"].as_u64().unwrap() > 0, "{summary}");
}

#[test]
fn the_ring_as_a_table() {
    let store = Store::new();
    let node = Node::start(&store, &["--node-name", "n1"]);
    let table = run(&store, &node, &["ring", "status"]).done();
    let lines: Vec<_> = table.text().lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("state") && line.contains("effective")));
    assert!(lines.iter().any(|line| line.starts_with("quorum") && line.contains("1,1,1")));
    let header = lines.iter().position(|line| line.starts_with("NAME")).unwrap();
    assert!(lines[header].contains("BUCKETS") && lines[header + 1].starts_with("n1 "), "{lines:?}");
    let json = run(&store, &node, &["ring", "status", "--json"]).done().json();
    assert_eq!(json[0]["members"][0]["name"], "n1");
}
