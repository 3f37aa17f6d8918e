use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::store::{Store, ended};

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let store = Store::new();
    // More than a pipe holds.
    let line = "x".repeat(1 << 20);
    store.run_with(&["feed", "add", "f", "-"], line.as_bytes()).done();
    store.run(["feed", "add", "f", "newest"]).done();
    store.run_with(&["file", "put", "d", "n", "-"], line.as_bytes()).done();
    for command in
        [&["feed", "all", "f"][..], &["feed", "all", "f", "--json"], &["file", "get", "d", "n"]]
    {
        let mut child = store.command(command).spawn().unwrap();
        let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
        assert!(!out.fill_buf().unwrap().is_empty());
        drop(out);
        ended(child).done();
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let store = Store::new();
    store.run(["put", "k", "v"]).done();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let plain = ended(store.command(["get", "k"]).stdout(full()).spawn().unwrap());
    plain.failed(1, "kvs: the answer can't be written: No space left on device");
    let json = ended(store.command(["get", "k", "--json"]).stdout(full()).spawn().unwrap());
    json.failed(1, r#""applied":"unknown""#);
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    let store = Store::new();
    for (command, error) in [
        ("", "Usage: kvs"),
        ("fly", "unrecognized subcommand 'fly'"),
        ("put k", "<VALUE>"),
        ("feed", "Usage: kvs feed"),
        ("feed get f one", "invalid value 'one' for '<EID>'"),
        ("feed get f -1", "-1"),
        ("feed all f --limit many", "invalid value 'many' for '--limit <N>'"),
        ("get k --backend sled", "there are rocksdb, fjall, leveldb, fs"),
        ("get k --durability never", "invalid value 'never'"),
        ("demo --season 15/17", "\"15/17\" is no season, as in 2015/16"),
    ] {
        store.run(command.split_whitespace()).failed(2, error);
        let json = store.run(command.split_whitespace().chain(["--json"]));
        let json: serde_json::Value = serde_json::from_str(&json.failed(2, "").err).unwrap();
        assert_eq!(json["applied"], "no");
        assert!(!json["error"].as_str().unwrap().contains('\n'));
    }
    assert!(!store.data().exists());
}

#[test]
fn help_and_version_are_answers() {
    let store = Store::new();
    for (command, answer) in [
        ("--help", "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found."),
        ("help feed", "Numbered entries, newest first"),
        ("demo --help", "81.50320068 is 81 points"),
        ("--version", concat!("kvs ", env!("CARGO_PKG_VERSION"))),
        ("--version --json", "kvs "),
    ] {
        let ended = store.run(command.split_whitespace()).done();
        assert!(ended.text().contains(answer), "{command}: {}", ended.text());
    }
}
