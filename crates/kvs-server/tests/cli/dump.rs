use crate::store::Store;

/// A store with something of everything.
fn filled() -> Store {
    let store = Store::new();
    store.write("local", "some bytes");
    for command in [
        "put key value",
        "feed add f one",
        "feed add f two",
        "feed remove f 1",
        "sorted insert s a",
        "leaderboard set l ann 3",
        "file put d n local",
    ] {
        store.run(command.split(' ')).done();
    }
    store
}

const EVERYTHING: &str = r#"
> get key
value
> feed all f
2	two
> feed add f three
3
> sorted flatten s
a
> leaderboard top l
1  ann  3
> file get d n -o copy
> file ls d
10	n
"#;

#[test]
fn a_saved_store_loads_into_another() {
    let store = filled();
    let saved = store.run(["dump", "save", "all.zip", "--json"]).done().json();
    let rows = saved[0]["rows"].as_u64().unwrap();
    assert!(rows > 6, "{rows}");
    let again = store.run(["dump", "save", "all.zip"]).done();
    assert_eq!(again.text(), format!("saved {rows} rows\n"));

    let other = Store::new();
    std::fs::copy(store.path("all.zip"), other.path("all.zip")).unwrap();
    let loaded = other.run(["dump", "load", "all.zip"]).done();
    assert_eq!(loaded.text(), format!("loaded {rows} rows\n"));
    other.play(EVERYTHING);
    // Loaded once more, it takes the place of what came after it.
    assert_eq!(other.run(["--json", "dump", "load", "all.zip"]).done().json(), saved);
    other.play(EVERYTHING);
    store.play(EVERYTHING);
}

#[test]
fn what_is_no_archive_is_refused_and_changes_nothing() {
    let store = filled();
    store.run(["dump", "save", "all.zip"]).done();
    let mut bytes = std::fs::read(store.path("all.zip")).unwrap();
    store.write("cut.zip", &bytes[..bytes.len() / 2]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    store.write("altered.zip", bytes);
    store.write("text.zip", "no archive");
    for name in ["cut.zip", "altered.zip", "text.zip"] {
        store.run(["dump", "load", name]).failed(1, &format!("kvs: archive {name} is refused"));
    }
    store.run(["dump", "load", "none.zip"]).failed(1, "kvs: none.zip: No such file");
    store.run(["dump", "save", "none/all.zip"]).failed(1, "kvs: archive none/all.zip: No such");
    store.play(EVERYTHING);
}
