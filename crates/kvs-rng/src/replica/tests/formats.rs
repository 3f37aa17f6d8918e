//! The stored bytes, held still.

use kvs_core::{Order, RowKind, StoredRow};

use xxhash_rust::xxh3::xxh3_64;

use super::super::start::Mark;
use super::*;

async fn stored(store: &Store, kind: RowKind) -> Vec<(String, String)> {
    let range = (
        std::ops::Bound::Included(vec![kind as u8]),
        std::ops::Bound::Excluded(vec![kind as u8 + 1]),
    );
    let rows = store.raw().scan(range, Order::Ascending, 9, 9999).await.unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    rows.iter().map(|StoredRow { key, value }| (hex(key), hex(value))).collect()
}

fn row(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[tokio::test]
async fn stored_bytes_never_change() {
    let store = Store::memory();
    let replica = open(&store, 0xAA).await;
    let mut write = Write::put("c", "value");
    write.expires_at_ms = Some(0x0102);
    replica.mint(Bucket(0x0001_0203), b"a\0b", vec![write]).await.unwrap();
    let rows = stored(&store, RowKind::Replica).await;
    let [leaf] = &stored(&store, RowKind::Digest).await[..] else { panic!("one leaf") };
    assert_eq!(
        rows,
        [row(
            "0600010203016100ff62000163",
            "560101aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa010100018bcfe5680000000100000000000001020576616c7565"
        )]
    );
    // The leaf is named by the first byte of the hash of the row's own stored key.
    assert_eq!(xxh3_64(b"\x01a\0\xFFb\0\x01c").to_be_bytes()[0], 0x8A);
    assert_eq!(*leaf, row("07000102038a", "01b8c12e1223e173f7"));
    assert_eq!(
        stored(&store, RowKind::Meta).await,
        [
            row("047265706c6963612f636f756e746572", "010000000000010000"),
            row("047265706c6963612f72756e6e696e67", "0100626f6f74"),
        ]
    );
}

#[test]
fn marks_read_back_and_anything_else_is_an_error() {
    for bits in 0..16 {
        for boot_id in [None, Some("boot".to_owned())] {
            let (durable, recovering, old_folder) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
            let catching_up = bits & 8 > 0;
            let mark = Mark { boot_id, durable, recovering, catching_up, old_folder };
            assert_eq!(Mark::decode(&mark.encode()).unwrap(), mark);
        }
    }
    let cases: [(&[u8], &str); 5] = [
        (&[], "cut off"),
        (&[1], "cut off"),
        (&[2, 0], "format version 2"),
        (&[1, 16], "unknown flags 0x10"),
        (&[1, 0, 0xFF], "utf-8"),
    ];
    for (bytes, expected) in cases {
        let error = Mark::decode(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn rows_that_make_no_sense_are_errors() {
    let row = |key: &[u8], value: &[u8]| StoredRow { key: key.to_vec(), value: value.to_vec() };
    let key = rows::leaf_key(BUCKET, 9);
    let cases = [
        (row(&key, &[]), "empty"),
        (row(&key, &[1, 0]), "1 bytes instead of 8"),
        (row(&key, &[1; 10]), "9 bytes instead of 8"),
        (row(&key, &[2; 9]), "format version 2"),
        (row(&key[..5], &[1; 9]), "wrong length"),
    ];
    for (row, expected) in cases {
        let error = rows::read_leaves(&[row]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    let store = Store::memory();
    let replica = open(&store, 1).await;
    let mut writes = kvs_core::engine::WriteSet::default();
    writes.stored(&rows::key(BUCKET, &"p".into()), Some(b"garbage"));
    store.raw().write(writes).await.unwrap();
    let error = replica.mint(BUCKET, b"p", vec![Write::put("", "1")]).await.unwrap_err();
    assert!(error.to_string().contains("versions of a key can't be decoded"), "{error}");
    assert!(replica.get(BUCKET, &"p".into()).await.is_err());
    assert!(replica.page(BUCKET, None, 9, 9).await.is_err());
}

#[test]
fn leaves_travel_whole() {
    let mut leaves = Leaves::default();
    leaves.set(0, 1);
    leaves.set(255, u64::MAX);
    let bytes = postcard::to_stdvec(&leaves).unwrap();
    assert_eq!(postcard::from_bytes::<Leaves>(&bytes).unwrap(), leaves);
    assert_eq!(leaves.differing(&Leaves::default()).collect::<Vec<_>>(), [0, 255]);
    for length in [0, 255, 257] {
        let bytes = postcard::to_stdvec(&vec![0_u64; length]).unwrap();
        assert!(postcard::from_bytes::<Leaves>(&bytes).is_err());
    }
}
