//! Records of any `serde` type.

use futures_util::TryStreamExt;
use kvs::{DbaError, Error, Initial, Key, Kvs, Outcome, Schema, Versioned, limits};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Player {
    name: String,
    scores: Vec<(u32, f64)>,
    team: Option<String>,
}

#[tokio::test]
async fn a_record_is_put_got_and_deleted() {
    let kvs = Kvs::memory();
    let ann = Player { name: "Ann".into(), scores: vec![(1, 2.5)], team: None };
    assert_eq!(kvs.get::<Player>("player/ann").await.unwrap(), None);
    kvs.put("player/ann", &ann).await.unwrap();
    assert_eq!(kvs.get("player/ann").await.unwrap(), Some(ann));
    kvs.delete("player/ann").await.unwrap();
    kvs.delete("player/ann").await.unwrap();
    assert_eq!(kvs.get::<Player>("player/ann").await.unwrap(), None);
}

#[tokio::test]
async fn keys_are_listed_and_deleted_by_prefix() {
    let kvs = Kvs::memory();
    for n in 0..600 {
        kvs.put(format!("a/{n:03}"), &n).await.unwrap();
    }
    kvs.put("b", &1).await.unwrap();
    let keys: Vec<Key> = kvs.keys("a/").try_collect().await.unwrap();
    assert_eq!(keys.len(), 600);
    assert!(keys.is_sorted());
    assert_eq!(kvs.delete_prefix("a/").await.unwrap(), 600);
    let keys: Vec<Key> = kvs.keys("").try_collect().await.unwrap();
    assert_eq!(keys, [Key::from("b")]);
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_and_changes_nothing() {
    let kvs = Kvs::memory();
    kvs.put("k", &"small".to_owned()).await.unwrap();
    let long = "k".repeat(limits::PARTITION_BYTES_MAX + 1);
    let large = "v".repeat(limits::VALUE_BYTES_MAX);
    let errors = [
        (kvs.put("", &1).await.unwrap_err(), "empty key"),
        (kvs.put(long.as_str(), &1).await.unwrap_err(), "1025, the limit is 1024"),
        (kvs.put("k", &large).await.unwrap_err(), "the limit is 16777216"),
        (kvs.feed::<u8>("").add(&1).await.unwrap_err().into(), "empty key"),
        (kvs.feed::<u8>(long.as_str()).len().await.unwrap_err().into(), "1025"),
        (kvs.feed::<String>("f").add(&large).await.unwrap_err().into(), "the limit is 16777216"),
    ];
    for (error, expected) in errors {
        assert!(matches!(error, Error::Dba(DbaError::Limit(_))), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert!(!error.is_retryable());
    }
    assert_eq!(kvs.get("k").await.unwrap(), Some("small".to_owned()));
    assert_eq!(kvs.feed::<String>("f").len().await.unwrap(), 0);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old(u8);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New(u8, String);

impl Schema for Old {
    const VERSION: u32 = 1;
    type Previous = Initial;
    fn migrate(previous: Initial) -> Self {
        match previous {}
    }
}
impl Schema for New {
    const VERSION: u32 = 2;
    type Previous = Old;
    fn migrate(previous: Old) -> Self {
        Self(previous.0, "migrated".into())
    }
}

#[tokio::test]
async fn old_values_migrate_everywhere_and_newer_ones_are_refused() {
    let kvs = Kvs::memory();
    kvs.put("r", &Old(7)).await.unwrap();
    let read = kvs.get::<Versioned<New>>("r").await.unwrap();
    assert_eq!(read, Some(Versioned(New(7, "migrated".into()))));

    kvs.feed::<Versioned<Old>>("f").add(&Versioned(Old(8))).await.unwrap();
    let feed = kvs.feed::<Versioned<New>>("f");
    feed.add(&Versioned(New(9, "new".into()))).await.unwrap();
    let entries: Vec<_> = feed.all(None).map_ok(|entry| entry.value.0).try_collect().await.unwrap();
    assert_eq!(entries, [New(9, "new".into()), New(8, "migrated".into())]);

    let refused = kvs.feed::<Versioned<Old>>("f").head().await.unwrap_err();
    assert!(refused.to_string().contains("schema version 2, this program knows 1"), "{refused}");
}
