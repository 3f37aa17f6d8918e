//! Rows: what was put is there, what was deleted is not, and nothing else changes.

use super::case::Case;
use crate::key::Key;

/// Parts of keys that an encoding could confuse.
const PARTS: [&[u8]; 13] = [
    b"a",
    b"a\x00",
    b"a\x00\x00",
    b"a\x00\x01",
    b"a\x00\xFF",
    b"a\x01",
    b"a\xFF",
    b"a\xFF\xFF",
    b"aa",
    b"\x00",
    b"\x00\x01",
    b"\xFF",
    b"\xC3\x28",
];

pub(super) async fn puts_gets_and_deletes(case: &Case) {
    let (key, store) = (case.key("row"), &case.store);
    assert_eq!(store.get(&key).await.unwrap(), None, "before it was put");
    store.delete(&key).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), None, "deleted before it was put");
    store.put(&key, b"value".to_vec()).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), Some(b"value".to_vec()), "put");
    store.delete(&key).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), None, "deleted");
    store.put(&key, b"again".to_vec()).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), Some(b"again".to_vec()), "put again");
}

pub(super) async fn overwrites(case: &Case) {
    let key = Key::new(case.partition("row"), "clustering");
    for value in ["a long value comes first", "", "short", "and again a long value"] {
        case.store.put(&key, value.into()).await.unwrap();
        assert_eq!(case.store.get(&key).await.unwrap(), Some(value.into()));
    }
    assert_eq!(case.rows(key.partition()).await.len(), 1);
}

pub(super) async fn values_of_any_bytes(case: &Case) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let sizes = [1, 127, 128, 4095, 4096, 4097, 1 << 20].map(|size| vec![0xA5; size]);
    let values = [vec![], vec![0], vec![1], vec![0xFF], every_byte].into_iter().chain(sizes);
    for (n, value) in values.enumerate() {
        let key = case.key(n.to_string());
        case.store.put(&key, value.clone()).await.unwrap();
        let found = case.store.get(&key).await.unwrap();
        assert!(found.as_ref() == Some(&value), "value {n} of {} bytes", value.len());
    }
}

pub(super) async fn keys_of_any_bytes(case: &Case) {
    let clusterings = || [b"".as_slice()].into_iter().chain(PARTS);
    let keys: Vec<Key> = PARTS
        .iter()
        .flat_map(|part| clusterings().map(move |c| Key::new(case.partition(part), c)))
        .collect();
    let value = |key: &Key| format!("{key:?}").into_bytes();
    for key in &keys {
        case.store.put(key, value(key)).await.unwrap();
    }
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(case.store.get(key).await.unwrap(), Some(value(key)), "{key}");
        if n % 2 == 0 {
            case.store.delete(key).await.unwrap();
        }
    }
    for (n, key) in keys.iter().enumerate() {
        let expected = (n % 2 == 1).then(|| value(key));
        assert_eq!(case.store.get(key).await.unwrap(), expected, "{key}, every other one deleted");
    }
}

pub(super) async fn partitions_do_not_mix(case: &Case) {
    // A plain key beside clustered ones: the empty clustering key is a row like any other.
    for part in PARTS {
        let rows = [(vec![], part), (vec![0], part), (vec![0xFF, 0xFF], part)];
        case.fill(&case.partition(part), rows).await;
    }
    for part in PARTS {
        let expected = [vec![], vec![0], vec![0xFF, 0xFF]].map(|key| (key, part.to_vec()));
        let partition = case.partition(part);
        assert_eq!(case.rows(&partition).await, expected, "{}", part.escape_ascii());
    }
}
