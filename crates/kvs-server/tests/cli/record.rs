use crate::store::Store;

#[test]
fn records_are_put_read_and_deleted() {
    Store::new().play(
        r#"
> put greeting hello
> get greeting
hello
> put greeting 'two  words'
> get greeting
two  words
> put empty ''
> get empty

> put negative -5
> get negative
-5
> put dashes --weird
> get dashes
--weird
> put 'Österreich/ñ' '7 ⚽'
> get 'Österreich/ñ'
7 ⚽
> delete greeting
> get greeting
! 3 kvs: there is no record "greeting"
> delete greeting
! 3 kvs: there is no record "greeting"
> compact
> get empty

"#,
    );
}

#[test]
fn records_as_json() {
    Store::new().play(
        r#"
> --json put greeting 'say "hello"'
{"key":"greeting"}
> get greeting --json
{"value":"say \"hello\""}
> delete greeting --json
{"deleted":"greeting"}
> get greeting --json
! 3 {"error":"there is no record \"greeting\"","retryable":false,"applied":"no"}
> compact --json
{"compacted":true}
"#,
    );
}

#[test]
fn a_value_can_come_from_the_standard_input_and_stays_as_it_is() {
    let store = Store::new();
    for text in ["", "one\n", "two\nlines\n\n", "-", "tab\there, no line end"] {
        store.run_with(&["put", "text", "-"], text.as_bytes()).done();
        assert_eq!(store.run(["get", "text"]).done().text(), format!("{text}\n"));
        let json = store.run(["get", "text", "--json"]).done().json();
        assert_eq!(json, [serde_json::json!({ "value": text })]);
    }
}

#[test]
fn the_data_folder_can_be_chosen() {
    let store = Store::new();
    store.play(
        r#"
> --data-dir one put key in-one
> put key in-two --data-dir $DIR/deep/two
> get key --data-dir one
in-one
> get key --data-dir deep/two
in-two
> get key
! 1 kvs: there is no store in data (--data-dir)
"#,
    );
    let from_env = store.command(["get", "key"]).env("KVS_DATA_DIR", "one").output().unwrap();
    assert_eq!(from_env.stdout, b"in-one\n");
    let by_flag = store.command(["get", "key", "--data-dir", "deep/two"]);
    let by_flag = { by_flag }.env("KVS_DATA_DIR", "one").output().unwrap();
    assert_eq!(by_flag.stdout, b"in-two\n");
}

#[test]
fn each_durability_keeps_what_was_put() {
    let store = Store::new();
    for durability in ["always", "interval", "os"] {
        store.run(["put", durability, "kept", "--durability", durability]).done();
    }
    for durability in ["always", "interval", "os"] {
        assert_eq!(store.run(["get", durability]).done().text(), "kept\n");
    }
}

#[test]
fn reading_creates_no_store() {
    let store = Store::new();
    let commands = [
        "get k",
        "delete k",
        "feed all f",
        "feed len f",
        "feed remove f 1",
        "feed clear f",
        "feed cleanup f",
        "sorted flatten s",
        "sorted remove s v",
        "leaderboard top l",
        "leaderboard remove l m",
        "file ls d",
        "file get d n",
        "file append d n -",
        "file rm d n",
        "dump save all.zip",
        "dump load none.zip",
        "file put d n none.txt",
        "compact",
    ];
    for command in commands {
        store.run(command.split(' ')).failed(1, "kvs: ");
        assert!(!store.data().exists(), "{command}");
        assert!(!store.path("all.zip").exists(), "{command}");
    }
}
