use super::*;

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

#[tokio::test]
async fn hints_are_kept_for_each_node_and_survive() {
    let store = Store::memory();
    let hints = Hints::open(&store).await.unwrap();
    let (a, b) = (Key::new("p\0", "a"), Key::new("p\0", ""));
    hints.add(node(1), Bucket(7), &[&a, &b]).await.unwrap();
    hints.add(node(1), Bucket(7), &[&a]).await.unwrap();
    hints.add(node(2), Bucket(u32::MAX), &[&a]).await.unwrap();
    let expected = BTreeMap::from([(node(1), 2), (node(2), 1)]);
    assert_eq!(hints.counts().await, expected);

    let hints = Hints::open(&store).await.unwrap();
    assert_eq!(hints.counts().await, expected);
    let page = hints.page(node(1), 10).await.unwrap();
    assert_eq!(page.iter().map(|hint| hint.key.clone()).collect::<Vec<_>>(), [b, a]);
    assert_eq!(hints.page(node(1), 1).await.unwrap(), page[..1]);
    assert_eq!(hints.page(node(2), 10).await.unwrap()[0].bucket, Bucket(u32::MAX));
    assert_eq!(hints.forget(node(1)).await.unwrap(), 2);
    assert_eq!(hints.counts().await, BTreeMap::from([(node(2), 1)]));
    assert!(hints.page(node(1), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_missed_again_stays() {
    let hints = Hints::open(&Store::memory()).await.unwrap();
    let (a, b) = (Key::from("a"), Key::from("b"));
    hints.add(node(1), Bucket(0), &[&a, &b]).await.unwrap();
    let page = hints.page(node(1), 10).await.unwrap();
    hints.add(node(1), Bucket(0), &[&b]).await.unwrap();
    assert_eq!(hints.remove(node(1), &page).await.unwrap(), 1);
    assert_eq!(hints.remove(node(1), &page).await.unwrap(), 0);
    let left = hints.page(node(1), 10).await.unwrap();
    assert_eq!((left.len(), &left[0].key), (1, &b));
    assert_eq!(hints.remove(node(1), &left).await.unwrap(), 1);
    assert!(hints.counts().await.is_empty());
}

#[tokio::test]
async fn too_many_are_dropped_and_counted() {
    let hints = Hints::open(&Store::memory()).await.unwrap().with_max(2);
    let keys: Vec<Key> = ["a", "b", "c"].map(Key::from).into();
    let keys: Vec<&Key> = keys.iter().collect();
    hints.add(node(1), Bucket(0), &keys).await.unwrap();
    hints.add(node(1), Bucket(0), &keys[..2]).await.unwrap();
    assert_eq!((hints.counts().await[&node(1)], hints.dropped().await), (2, 1));
    hints.add(node(2), Bucket(0), &keys[..2]).await.unwrap();
    assert_eq!(hints.dropped().await, 1);
}

#[test]
fn the_format_is_held_still_and_read_exactly() {
    let key = Key::new("p", "c");
    let stored = format::key(node(3), Bucket(0x0102_0304), &key);
    let expected = [&[8][..], &[3; 16], &[1, 2, 3, 4], &[1, b'p', 0, 1, b'c']].concat();
    assert_eq!(stored, expected);
    let value = format::value(5);
    assert_eq!(value, [1, 0, 0, 0, 0, 0, 0, 0, 5]);
    let hint = Hint { bucket: Bucket(0x0102_0304), key, mark: 5 };
    assert_eq!(format::read(&stored, &value).unwrap(), hint);

    for cut in 0..24 {
        assert!(format::read(&stored[..cut], &value).is_err(), "{cut}");
    }
    for value in [&[][..], &[1], &value[..8], &[1; 10], &[2; 9]] {
        assert!(format::read(&stored, value).is_err(), "{value:?}");
    }
    let other = [&expected[..21], &[2], &expected[22..]].concat();
    assert!(format::read(&other, &value).unwrap_err().to_string().contains("kind entity"));
}
