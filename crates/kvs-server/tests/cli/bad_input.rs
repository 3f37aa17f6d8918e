//! What is refused: each with an error that names it, and without changing anything.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use crate::store::{Store, backends, ended};

const VALUE_BYTES_MAX: usize = 16 << 20;

/// A store with something in it, that must stay.
fn store() -> Store {
    let store = Store::new();
    store.run(["put", "k", "v"]).done();
    store.run(["feed", "add", "f", "entry"]).done();
    store.run(["sorted", "insert", "s", "value"]).done();
    store.run(["leaderboard", "set", "l", "ann", "1"]).done();
    store.run_with(&["file", "put", "d", "n", "-"], b"bytes").done();
    store
}

const UNCHANGED: &str = r#"
> get k
v
> feed all f
1	entry
> feed len f
1
> sorted flatten s
value
> leaderboard top l
1  ann  1
> file ls d
5	n
> put k v
"#;

#[test]
fn names_that_are_empty_or_too_long() {
    let store = store();
    let long = "x".repeat(1_025);
    for name in ["", &long] {
        let error = match name {
            "" => "partition length in bytes (empty key) is 0, the limit is 1",
            _ => "partition length in bytes is 1025, the limit is 1024",
        };
        for command in [
            &["put", name, "v"][..],
            &["get", name],
            &["delete", name],
            &["feed", "add", name, "v"],
            &["feed", "all", name],
            &["feed", "remove", name, "1"],
            &["sorted", "insert", name, "v"],
            &["sorted", "flatten", name],
            &["leaderboard", "set", name, "m", "1"],
            &["leaderboard", "top", name],
            &["file", "put", name, "n", "/dev/null"],
            &["file", "ls", name],
        ] {
            store.run(command).failed(1, error);
        }
    }
    store.run(["sorted", "insert", "s", &long]).failed(1, "length in bytes is");
    store.run(["leaderboard", "set", "l", &long, "1"]).failed(1, "member length in bytes is");
    store.run(["file", "put", "d", &long, "/dev/null"]).failed(1, "512");
    store.run(["file", "put", "d", "", "/dev/null"]).failed(1, "not a name for a file");
    store.play(UNCHANGED);
    store.run(["put", &long[1..], "longest"]).done();
}

#[test]
fn values_over_the_limit() {
    let store = store();
    let over = vec![b'x'; VALUE_BYTES_MAX + 1];
    let limit = "standard input has more than 16777216 bytes, the limit of a value";
    for command in [&["put", "k", "-"][..], &["feed", "add", "f", "-"]] {
        store.run_with(command, &over).failed(1, limit);
        // As many bytes as the limit are too many with the few that are stored beside them.
        store.run_with(command, &over[1..]).failed(1, "the limit is 16777216");
    }
    store.play(UNCHANGED);
    store.run_with(&["put", "large", "-"], &over[16..]).done();
    store.run_with(&["file", "put", "d", "large", "-"], &over).done();
}

#[test]
fn texts_that_are_no_utf_8() {
    let store = store();
    let no_text = OsStr::from_bytes(b"no\xfftext");
    for command in [
        &[OsStr::new("put"), OsStr::new("k"), no_text][..],
        &[OsStr::new("put"), no_text, OsStr::new("v")],
        &[OsStr::new("feed"), OsStr::new("add"), OsStr::new("f"), no_text],
        &[OsStr::new("get"), no_text],
    ] {
        store.run(command).failed(2, "invalid UTF-8");
    }
    for command in
        [&["put", "k", "-"][..], &["feed", "add", "f", "-"], &["sorted", "insert", "s", "-"]]
    {
        let refused = store.run_with(command, b"no\xfftext");
        refused.failed(1, "kvs: standard input is no text: byte 2 begins no UTF-8 character");
    }
    // A file's bytes need not be text, nor the path it comes from.
    let path = store.path("").join(no_text);
    std::fs::write(&path, b"\xff").unwrap();
    let put = ["file", "put", "d", "raw"].map(OsStr::new);
    store.run(put.into_iter().chain([path.as_os_str()])).done();
    let get = ["--json", "file", "get", "d", "raw", "-o"].map(OsStr::new);
    store.run(get.into_iter().chain([path.as_os_str()])).done();
    store.run(["file", "rm", "d", "raw"]).done();
    store.play(UNCHANGED);
}

#[test]
fn names_of_another_type() {
    let store = store();
    for (command, error) in [
        ("feed add s x", "kvs: \"s\" is a sorted, not a feed"),
        ("feed all s", "kvs: \"s\" is a sorted, not a feed"),
        ("feed len l", "kvs: \"l\" is a leaderboard, not a feed"),
        ("sorted insert f x", "kvs: \"f\" is a feed, not a sorted"),
        ("sorted flatten d", "kvs: \"d\" is a directory, not a sorted"),
        ("leaderboard set f ann 1", "kvs: \"f\" is a feed, not a leaderboard"),
        ("leaderboard top s", "kvs: \"s\" is a sorted, not a leaderboard"),
        ("file put f n /dev/null", "\"f\" is a feed, not a directory"),
        ("file ls f", "kvs: \"f\" is a feed, not a directory"),
    ] {
        store.run(command.split(' ')).failed(1, error);
    }
    store.play(UNCHANGED);
}

#[test]
fn folders_that_cannot_be_used() {
    let store = Store::new();
    store.write("file", "text");
    std::fs::create_dir(store.path("other")).unwrap();
    std::fs::write(store.path("other/thesis.txt"), "mine").unwrap();
    store
        .run(["put", "k", "v", "--data-dir", "other"])
        .failed(1, "kvs: data folder other: it holds");
    store.run(["put", "k", "v", "--data-dir", "file"]).failed(1, "kvs: data folder file: ");
    store.run(["put", "k", "v", "--data-dir", "file/in"]).failed(1, "kvs: data folder file/in: ");
    store.run(["get", "k", "--data-dir", "file/in"]).failed(1, "kvs: ");
    assert_eq!(std::fs::read(store.path("other/thesis.txt")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(store.path("other")).unwrap().count(), 1);

    // Nobody may make a folder there, not even root.
    store
        .run(["put", "k", "v", "--data-dir", "/proc/kvs"])
        .failed(1, "kvs: data folder /proc/kvs: ");
    let json = store.run(["put", "k", "v", "--data-dir", "/proc/kvs", "--json"]);
    json.failed(1, r#""retryable":false,"applied":"no"}"#);
}

#[test]
fn a_folder_of_another_backend() {
    let store = store();
    let [own, others @ ..] = &*backends() else { panic!("there is no backend") };
    store.run(["get", "k", "--backend", own]).done();
    for backend in others {
        let error = format!("kvs: data folder data: it holds a {own} store, not a {backend} one");
        store.run(["get", "k", "--backend", backend]).failed(1, &error);
    }
    store.play(UNCHANGED);
}

#[test]
fn a_store_that_is_open_elsewhere() {
    let store = store();
    let large = "x".repeat(1 << 20);
    store.run_with(&["feed", "add", "large", "-"], large.as_bytes()).done();
    // More than the pipe holds: with the first of it read, the store is open, and stays so.
    let mut child = store.command(["feed", "all", "large"]).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    store.run(["get", "k"]).failed(1, "kvs: data folder data: it is open elsewhere");
    drop(out);
    ended(child).done();
    store.play(UNCHANGED);
}
