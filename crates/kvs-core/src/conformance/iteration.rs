//! Walking and clearing whole stores.

use futures_util::TryStreamExt;

use super::case::Case;
use crate::batch::Batch;
use crate::dba::{Dba, Iterate};
use crate::key::Key;

/// Partitions and clustering keys, some of them prefixes of others, in order.
const KEYS: [(&[u8], &[u8]); 12] = [
    (b"\x00", b""),
    (b"\x00\x00", b""),
    (b"\x00\xFF", b"x"),
    (b"\x01", b""),
    (b"a", b""),
    (b"a", b"\x00"),
    (b"a", b"\xFF\xFF"),
    (b"a\x00", b"z"),
    (b"ab", b"a"),
    (b"\xFF", b""),
    (b"\xFF\x00", b""),
    (b"\xFF\xFF", b"\x00"),
];

const PREFIXES: [&[u8]; 11] = [
    b"",
    b"\x00",
    b"\x00\x00",
    b"\x00\xFF",
    b"a",
    b"a\x00",
    b"ab",
    b"abc",
    b"b",
    b"\xFF",
    b"\xFF\xFF",
];

/// Puts the keys, each into a partition of `group`, and gives them.
async fn fill<S: Dba>(case: &Case<S>, group: &str) -> Vec<Key> {
    let key = |(partition, clustering): &(&[u8], &[u8])| {
        Key::new(within(case, group, partition), *clustering)
    };
    let keys: Vec<Key> = KEYS.iter().map(key).collect();
    for key in &keys {
        case.store.put(key, b"value".to_vec()).await.unwrap();
    }
    keys
}

fn within<S: Dba>(case: &Case<S>, group: &str, partition: &[u8]) -> Vec<u8> {
    case.partition([group.as_bytes(), b"/", partition].concat())
}

async fn keys<S: Iterate>(case: &Case<S>, prefix: &[u8]) -> Vec<Key> {
    case.store.keys(prefix).try_collect().await.unwrap()
}

fn starting_with(keys: &[Key], prefix: &[u8]) -> Vec<Key> {
    keys.iter().filter(|key| key.partition().starts_with(prefix)).cloned().collect()
}

pub(super) async fn keys_in_order<S: Dba + Iterate>(case: &Case<S>) {
    let expected = fill(case, "").await;
    assert_eq!(keys(case, &case.partition("")).await, expected);
    // An empty prefix means all keys: also those of other cases.
    let all = keys(case, b"").await;
    assert!(all.is_sorted(), "keys are out of order");
    assert_eq!(starting_with(&all, &case.partition("")), expected);
}

pub(super) async fn prefixes<S: Dba + Iterate>(case: &Case<S>) {
    let all = fill(case, "").await;
    for prefix in PREFIXES {
        let prefix = within(case, "", prefix);
        let shown = prefix.escape_ascii();
        assert_eq!(keys(case, &prefix).await, starting_with(&all, &prefix), "{shown}");
    }
    // A prefix of nothing but the highest byte has nothing above it.
    let highest = Key::from([0xFF; 3].as_slice());
    case.store.put(&highest, vec![]).await.unwrap();
    assert_eq!(keys(case, &[0xFF; 2]).await, std::slice::from_ref(&highest));
    assert_eq!(case.store.delete_prefix(&[0xFF; 2]).await.unwrap(), 1);
    assert_eq!(keys(case, &[0xFF]).await, []);
}

pub(super) async fn many_pages<S: Dba + Iterate>(case: &Case<S>) {
    let (few, many) = (case.partition("few"), case.partition("many"));
    let puts = |batch: Batch, n: u16| batch.put(n.to_be_bytes(), "x");
    case.store.write(&many, (0..700).fold(Batch::new(), puts)).await.unwrap();
    case.store.write(&few, (0..2).fold(Batch::new(), puts)).await.unwrap();
    let key = |partition: &[u8], n: u16| Key::new(partition, n.to_be_bytes());
    let expected: Vec<Key> =
        (0..2).map(|n| key(&few, n)).chain((0..700).map(|n| key(&many, n))).collect();
    assert_eq!(keys(case, &case.partition("")).await, expected);
}

pub(super) async fn deletes_by_prefix<S: Dba + Iterate>(case: &Case<S>) {
    for (group, prefix) in
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"].iter().zip(PREFIXES)
    {
        let all = fill(case, group).await;
        let prefix = within(case, group, prefix);
        let (gone, kept): (Vec<Key>, Vec<Key>) =
            all.into_iter().partition(|key| key.partition().starts_with(&prefix));
        let shown = prefix.escape_ascii();
        assert_eq!(case.store.delete_prefix(&prefix).await.unwrap(), gone.len() as u64, "{shown}");
        assert_eq!(keys(case, &within(case, group, b"")).await, kept, "{shown}");
        for (key, expected) in
            gone.iter().map(|key| (key, None)).chain(kept.iter().map(|key| (key, Some("value"))))
        {
            let found = case.store.get(key).await.unwrap();
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{shown}: {key}");
        }
        assert_eq!(case.store.delete_prefix(&prefix).await.unwrap(), 0, "{shown}, again");
    }
}

pub(super) async fn deletes_many_pages<S: Dba + Iterate>(case: &Case<S>) {
    let (all, kept) = (case.partition("x"), case.key("y"));
    for partition in 0..3_u8 {
        let puts = |batch: Batch, n: u16| batch.put(n.to_be_bytes(), "x");
        let rows = (0..500).fold(Batch::new(), puts);
        case.store.write(&case.partition([b'x', partition]), rows).await.unwrap();
    }
    case.store.put(&kept, vec![]).await.unwrap();
    assert_eq!(case.store.delete_prefix(&all).await.unwrap(), 1_500);
    assert_eq!(keys(case, &case.partition("")).await, [kept]);
}
