//! Rows that expire read as absent from that moment on.

use std::time::Duration;

use futures_util::TryStreamExt;
use kvs_core::env::Env;
use kvs_core::format::envelope::Envelope;
use kvs_core::format::stored_key;
use kvs_core::{Dba, Durability, Iterate, Key, RowKind, Scan, Snapshot, StoredRow};
use kvs_tests::Engine;
use tempfile::tempdir;

const NOW_MS: u64 = 1_000_000;

async fn reads_as_absent(engine: Engine) {
    let folder = tempdir().unwrap();
    let (env, clock) = Env::manual(NOW_MS, 1);
    let store = engine.open_with(folder.path(), Durability::Os, env).unwrap();
    let row = |n: u8, expires_at_ms| StoredRow {
        key: stored_key::encode(RowKind::Plain, b"p", &[n]),
        value: Envelope { expires_at_ms, payload: &[n] }.encode(),
    };
    let page = (0..6_u64).map(|n| row(n as u8, (n % 2 == 1).then_some(NOW_MS + 10 * n))).collect();
    store.load(Box::pin(futures_util::stream::iter([Ok(page)]))).await.unwrap();

    let rows = store.rows(RowKind::Plain);
    for expected in [vec![0, 1, 2, 3, 4, 5], vec![0, 2, 3, 4, 5], vec![0, 2, 4, 5], vec![0, 2, 4]] {
        for n in 0..6 {
            let found = rows.get(&Key::new("p", [n])).await.unwrap();
            assert_eq!(found, expected.contains(&n).then(|| vec![n]), "row {n}");
        }
        // A page is full of what can be seen, whatever lies between.
        for limit in [1, 2, 3, 100] {
            for scan in [Scan::all(), Scan::all().descending()] {
                let found: Vec<_> =
                    rows.stream(b"p", scan.clone().limit(limit)).try_collect().await.unwrap();
                let mut found: Vec<u8> = found.iter().map(|row| row.clustering[0]).collect();
                found.sort_unstable();
                assert_eq!(found, expected, "{scan:?}");
            }
        }
        let page = rows.scan(b"p", &Scan::all().limit(expected.len())).await.unwrap();
        assert_eq!((page.len(), page.resume), (expected.len(), None));
        let keys: Vec<Key> = rows.keys(b"").try_collect().await.unwrap();
        let keys: Vec<u8> = keys.iter().map(|key| key.clustering()[0]).collect();
        assert_eq!(keys, expected, "keys");
        clock.advance(if expected.len() == 6 {
            Duration::from_millis(10)
        } else {
            Duration::from_millis(20)
        });
    }
    // What expired can be written again, and then stays.
    rows.put(&Key::new("p", [1]), b"again".to_vec()).await.unwrap();
    clock.advance(Duration::from_secs(1_000));
    assert_eq!(rows.get(&Key::new("p", [1])).await.unwrap(), Some(b"again".to_vec()));
}

each_engine!(reads_as_absent);
