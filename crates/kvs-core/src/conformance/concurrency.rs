//! Many writers and readers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join;

use super::case::{Case, side_by_side};
use super::scans::ORDERS;
use crate::batch::Batch;
use crate::dba::Dba;
use crate::key::Key;
use crate::scan::Scan;

const WRITERS: u8 = 8;
const WRITES: u8 = 25;

/// How many rows readers watch, and how often each sees them change.
const ROWS: u8 = 20;
const CHANGES: u32 = 30;

pub(super) async fn writers_of_many_partitions(case: &Case) {
    let partition = |writer: u8| case.partition([writer]);
    let work = (0..WRITERS).map(|writer| write_rows(case.store.clone(), partition(writer), writer));
    side_by_side(work).await;
    for writer in 0..WRITERS {
        let expected = (0..WRITES).map(|n| (vec![writer, n], vec![n])).collect::<Vec<_>>();
        assert_eq!(case.rows(&partition(writer)).await, expected, "writer {writer}");
    }
}

pub(super) async fn writers_of_one_partition(case: &Case) {
    let partition = case.partition("");
    let work = (0..WRITERS).map(|writer| write_rows(case.store.clone(), partition.clone(), writer));
    side_by_side(work).await;
    let rows = (0..WRITERS).flat_map(|writer| (0..WRITES).map(move |n| (vec![writer, n], vec![n])));
    assert_eq!(case.rows(&partition).await, rows.collect::<Vec<_>>());
}

/// Writes the rows of one writer, by puts and batches in turn, and reads each back at once.
async fn write_rows(store: Arc<dyn Dba>, partition: Vec<u8>, writer: u8) {
    for n in 0..WRITES {
        let key = Key::new(partition.clone(), [writer, n]);
        if n % 2 == 0 {
            store.put(&key, vec![n]).await.unwrap();
        } else {
            store.write(&partition, Batch::new().put([writer, n], [n])).await.unwrap();
        }
        let read = store.get(&key).await.unwrap();
        assert_eq!(read, Some(vec![n]), "writer {writer}: what was acknowledged is not read");
    }
}

pub(super) async fn writers_of_one_row(case: &Case) {
    let key = case.key("row");
    let work = (0..WRITERS).map(|writer| {
        let (store, key) = (case.store.clone(), key.clone());
        async move {
            for n in 0..WRITES {
                store.put(&key, vec![writer, n]).await.unwrap();
                let read = store.get(&key).await.unwrap().expect("nobody deletes it");
                let own = read[0] == writer;
                assert!(!own || read[1] == n, "writer {writer} wrote {n} and reads {}", read[1]);
            }
        }
    });
    side_by_side(work).await;
    let last = case.store.get(&key).await.unwrap().expect("nobody deletes it");
    assert_eq!(last[1], WRITES - 1, "the last write of all was some writer's last");
}

/// While readers scan, a writer sets all rows of the partition to the same number, batch after batch:
/// a page is always of one batch, and of none older than the one acknowledged last.
pub(super) async fn readers_see_whole_batches(case: &Case) {
    let partition = case.partition("");
    let batch =
        |n: u32| (0..ROWS).fold(Batch::new(), |batch, row| batch.put([row], n.to_be_bytes()));
    case.store.write(&partition, batch(0)).await.unwrap();
    let acknowledged = Arc::new(AtomicU32::new(0));
    let reading = Arc::new(());

    let readers = ORDERS.map(|order| {
        let (store, partition) = (case.store.clone(), partition.clone());
        let (acknowledged, reading) = (acknowledged.clone(), reading.clone());
        async move {
            let (mut seen, mut changes) = (vec![], 0);
            while changes < CHANGES {
                let before = acknowledged.load(Ordering::SeqCst).to_be_bytes().to_vec();
                let page = store.scan(&partition, &Scan::all().order(order)).await.unwrap();
                let found: Vec<_> = page.rows().map(|row| row.value.to_vec()).collect();
                assert!(found == vec![found[0].clone(); ROWS.into()], "half of a batch: {found:?}");
                assert!(found[0] >= before, "{found:?}, but {before:?} was acknowledged");
                changes += u32::from(found[0] != seen);
                seen.clone_from(&found[0]);
                tokio::task::yield_now().await;
            }
            drop(reading);
        }
    });
    let writer = {
        let store = case.store.clone();
        async move {
            for n in 1.. {
                store.write(&partition, batch(n)).await.unwrap();
                acknowledged.store(n, Ordering::SeqCst);
                if Arc::strong_count(&reading) == 1 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    join(side_by_side([writer]), side_by_side(readers)).await;
}
