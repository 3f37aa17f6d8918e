//! Limits: what is at the limit is taken, what is above it is refused by name, and nothing happens.

use super::case::Case;
use crate::batch::Batch;
use crate::error::{DbaError, Outcome, Result};
use crate::key::Key;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_OPS_MAX, CLUSTERING_BYTES_MAX, PAGE_ROWS_MAX, PARTITION_BYTES_MAX,
    VALUE_BYTES_MAX,
};
use crate::scan::Scan;

/// A partition of the case with exactly `len` bytes.
fn partition(case: &Case, len: usize) -> Vec<u8> {
    let mut partition = case.partition("");
    partition.resize(len, 0);
    partition
}

pub(super) async fn at_the_limit(case: &Case) {
    let store = &case.store;
    let longest = Key::new(
        // Zeros are what escaping makes longer.
        partition(case, PARTITION_BYTES_MAX),
        vec![0; CLUSTERING_BYTES_MAX],
    );
    store.put(&longest, b"longest key".to_vec()).await.unwrap();
    assert_eq!(store.get(&longest).await.unwrap(), Some(b"longest key".to_vec()));
    assert_eq!(case.rows(longest.partition()).await.len(), 1);
    store.delete(&longest).await.unwrap();

    let large = case.key("large");
    store.put(&large, vec![0xA5; VALUE_BYTES_MAX]).await.unwrap();
    let found = store.get(&large).await.unwrap().expect("the largest value is there");
    assert!(found == vec![0xA5; VALUE_BYTES_MAX], "the largest value came back changed");
    store.delete(&large).await.unwrap();

    let many = case.partition("many");
    let puts = |batch: Batch, n: usize| batch.put(n.to_be_bytes(), "x");
    store.write(&many, (0..BATCH_OPS_MAX).fold(Batch::new(), puts)).await.unwrap();
    let page = store.scan(&many, &Scan::all().limit(PAGE_ROWS_MAX)).await.unwrap();
    assert_eq!((page.len(), page.resume), (BATCH_OPS_MAX, None));
    let deletes = |batch: Batch, n: usize| batch.delete(n.to_be_bytes());
    store.write(&many, (0..BATCH_OPS_MAX).fold(Batch::new(), deletes)).await.unwrap();
    assert_eq!(case.rows(&many).await, []);

    let bytes = case.partition("bytes");
    let half = vec![1; BATCH_BYTES_MAX / 2 - 1];
    store.write(&bytes, Batch::new().put("a", half.clone()).put("b", half)).await.unwrap();
    assert_eq!(case.rows(&bytes).await.len(), 2);
    store.write(&bytes, Batch::new().delete("a").delete("b")).await.unwrap();
}

pub(super) async fn above_the_limit(case: &Case) {
    let store = &case.store;
    let partition_long = partition(case, PARTITION_BYTES_MAX + 1);
    let row = Key::new(case.partition("p"), "row");
    let clustering_long = Key::new(row.partition(), vec![b'c'; CLUSTERING_BYTES_MAX + 1]);
    let value_large = vec![0; VALUE_BYTES_MAX + 1];
    let half = vec![0; BATCH_BYTES_MAX / 2];
    let many = (0..=BATCH_OPS_MAX).fold(Batch::new(), |batch, n| batch.put(n.to_string(), "x"));
    let (p, one) = (row.partition(), Batch::new().put("row", "new"));
    let (long, empty) = (Key::from(partition_long.clone()), Key::from(""));
    store.put(&row, b"old".to_vec()).await.unwrap();

    let new = || b"new".to_vec();
    refused("partition", store.put(&long, new()).await);
    refused("partition", store.get(&long).await);
    refused("partition", store.delete(&long).await);
    refused("partition", store.write(&partition_long, one.clone()).await);
    refused("partition", store.scan(&partition_long, &Scan::all()).await);
    refused("empty", store.put(&empty, new()).await);
    refused("empty", store.get(&empty).await);
    refused("empty", store.delete(&empty).await);
    refused("empty", store.write(b"", one.clone()).await);
    refused("empty", store.scan(b"", &Scan::all()).await);
    refused("clustering", store.put(&clustering_long, new()).await);
    refused("clustering", store.get(&clustering_long).await);
    refused("clustering", store.delete(&clustering_long).await);
    refused("clustering", store.write(p, one.clone().delete(clustering_long.clustering())).await);
    refused("value", store.put(&row, value_large.clone()).await);
    refused("value", store.write(p, one.clone().put("row", value_large)).await);
    refused("operations", store.write(p, many).await);
    refused("bytes in a batch", store.write(p, one.put("row", half.clone()).put("b", half)).await);
    refused("rows in a page", store.scan(p, &Scan::all().limit(0)).await);
    refused("rows in a page", store.scan(p, &Scan::all().limit(PAGE_ROWS_MAX + 1)).await);

    let expected = (b"row".to_vec(), b"old".to_vec());
    assert_eq!(case.rows(p).await, [expected], "a refused write changed something");
    store.put(&row, new()).await.unwrap();
    assert_eq!(store.get(&row).await.unwrap(), Some(new()), "no writes after a refused one");
}

fn refused<T: std::fmt::Debug>(expected: &str, answer: Result<T>) {
    match answer {
        Err(error @ DbaError::Limit(_)) => {
            let text = error.to_string();
            assert!(text.contains(expected), "{text:?} does not name {expected:?}");
            assert_eq!(error.outcome(), Outcome::NotApplied, "{text}");
            assert!(!error.is_retryable(), "{text}");
        }
        Err(other) => panic!("{expected}: {other}"),
        Ok(_) => panic!("{expected} is above its limit and was accepted"),
    }
}
