use serde_json::json;

use crate::store::Store;

/// Bytes that are no text, more than two chunks of them.
fn bytes() -> Vec<u8> {
    (0..2_500_000_u64).map(|n| ((n * n) >> 7) as u8).collect()
}

#[test]
fn files_are_stored_and_given_back_as_they_were() {
    let store = Store::new();
    store.write("local.bin", bytes());
    store.run(["file", "put", "dir", "a/local", "local.bin"]).done();
    assert!(store.run(["file", "get", "dir", "a/local"]).done().out == bytes());
    store.run(["file", "get", "dir", "a/local", "-o", "copy.bin"]).done();
    assert!(std::fs::read(store.path("copy.bin")).unwrap() == bytes());

    store.run_with(&["file", "put", "dir", "a/stdin", "-"], &bytes()).done();
    assert!(store.run(["file", "get", "dir", "a/stdin", "--json"]).done().out == bytes());
    store.run_with(&["file", "append", "dir", "a/stdin", "-"], b"and more").done();
    let longer = [&bytes(), b"and more".as_slice()].concat();
    assert!(store.run(["file", "get", "dir", "a/stdin"]).done().out == longer);

    store.write("empty", "");
    store.play(
        r#"
> file put dir empty empty
> file get dir empty
> file ls dir
2500000	a/local
2500008	a/stdin
0	empty
> file ls dir a/s
2500008	a/stdin
> file ls dir b
> file ls nothing
> file put dir a/stdin empty
> file ls dir a/s
0	a/stdin
> file cleanup dir
4
> file rm dir a/local
> file cleanup dir
0
> file rm dir a/local
! 3 kvs: there is no file "a/local"
> file get dir a/local
! 3 kvs: there is no file "a/local"
> file get nothing x -o new
! 3 kvs: there is no file "x"
> file stat dir a/local
! 3 kvs: there is no file "a/local"
> file append dir a/local empty
! 3 kvs: there is no file "a/local"
"#,
    );
    assert!(!store.path("new").exists());
}

#[test]
fn files_as_json() {
    let store = Store::new();
    store.write("text", "hello");
    store.play(
        r#"
> --json file put dir greeting text
{"name":"greeting","size":5}
> --json file append dir greeting text
{"name":"greeting","size":10}
> --json file get dir greeting -o out
{"path":"out","size":10}
> --json file rm dir nothing
! 3 {"error":"there is no file \"nothing\"","retryable":false,"applied":"no"}
"#,
    );
    let stat = store.run(["--json", "file", "stat", "dir", "greeting"]).done().json();
    let list = store.run(["--json", "file", "ls", "dir"]).done().json();
    assert_eq!(stat, list);
    let [stat] = stat.as_slice() else { panic!("{stat:?}") };
    assert_eq!((&stat["name"], &stat["size"]), (&json!("greeting"), &json!(10)));
    assert!(stat["created_ms"].as_u64() <= stat["modified_ms"].as_u64());

    let plain = store.run(["file", "stat", "dir", "greeting"]).done();
    let lines: Vec<_> = plain.text().lines().collect();
    assert_eq!(lines[..2], ["name\tgreeting", "size\t10"]);

    store.play(
        r#"
> --json file rm dir greeting
{"removed":"greeting"}
> --json file cleanup dir
{"chunks":0}
"#,
    );
}

#[test]
fn what_cannot_be_read_or_written_outside_is_named() {
    let store = Store::new();
    store.write("text", "hello");
    store.run(["file", "put", "dir", "name", "text"]).done();
    for (command, error) in [
        ("file put dir name none", "kvs: none: No such file"),
        ("file put dir name .", "kvs: .: is a directory"),
        ("file append dir name none", "kvs: none: No such file"),
        ("file get dir name -o none/out", "kvs: none/out: No such file"),
        ("file get dir name -o .", "kvs: .: Is a directory"),
    ] {
        store.run(command.split(' ')).failed(1, error);
    }
    store.play("> file ls dir\n5\tname\n");
    assert_eq!(store.run(["file", "get", "dir", "name", "-o", "-"]).done().text(), "hello");
}
