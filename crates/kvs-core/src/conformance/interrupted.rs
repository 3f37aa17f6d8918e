//! Writes that are cut short: by their deadline, or because nobody waits any more.

use std::time::Duration;

use futures_util::FutureExt;

use super::case::Case;
use crate::batch::Batch;
use crate::env::{Random, SystemRandom};
use crate::error::{DbaError, Outcome};
use crate::options::CallOptions;
use crate::scan::Scan;

const ROWS: u8 = 20;

fn batch(value: u8) -> Batch {
    (0..ROWS).fold(Batch::new(), |batch, n| batch.put([n], [value]))
}

/// The value that all rows have.
async fn value(case: &Case, partition: &[u8]) -> u8 {
    let page = case.store.scan(partition, &Scan::all()).await.unwrap();
    let values: Vec<u8> = page.rows().map(|row| row.value[0]).collect();
    assert_eq!(values, [values[0]; ROWS as usize], "half of a batch");
    values[0]
}

/// A call without any time is in time, or it says that it was not and did nothing.
pub(super) async fn deadlines(case: &Case) {
    let partition = case.partition("");
    let no_time = CallOptions::default().deadline(Duration::ZERO);
    let late = |error: DbaError| assert!(matches!(error, DbaError::Deadline { .. }), "{error}");
    case.store.write(&partition, batch(0)).await.unwrap();
    let mut last = 0;
    for n in 1..50 {
        match case.store.write_with(&partition, batch(n), &no_time).await {
            Ok(()) => last = n,
            Err(error) => {
                assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
                assert!(error.is_retryable(), "{error}");
                late(error);
            }
        }
        assert_eq!(value(case, &partition).await, last, "write {n}");
        match case.store.scan_with(&partition, &Scan::all(), &no_time).await {
            Ok(page) => assert!(page.rows().all(|row| row.value == [last])),
            Err(error) => late(error),
        }
    }
    let ample = CallOptions::default().deadline(Duration::from_secs(3600));
    case.store.write_with(&partition, batch(50), &ample).await.unwrap();
    assert_eq!(value(case, &partition).await, 50);
}

/// A write whose future is dropped after some polls happens whole or not at all, sooner or later.
pub(super) async fn dropped_writes(case: &Case) {
    let partition = case.partition("");
    case.store.write(&partition, batch(0)).await.unwrap();
    for n in 1..=60 {
        let mut write = Box::pin(case.store.write(&partition, batch(n)));
        for _ in 0..SystemRandom.next_u64() % 4 {
            if let Some(done) = (&mut write).now_or_never() {
                done.unwrap();
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(write);
        assert!(value(case, &partition).await <= n);
        tokio::task::yield_now().await;
    }
    // The store goes on, and a write that is waited for is there.
    let other = case.partition("other");
    case.store.write(&other, batch(61)).await.unwrap();
    assert_eq!(value(case, &other).await, 61);
    assert!(value(case, &partition).await <= 60);
}
