//! What operations cost, in calls and rows.

use std::sync::Arc;

use kvs_core::env::SeededRandom;
use kvs_core::stream;
use kvs_sort::{Leaderboard, SortedSet};

use crate::observed::Observed;
use crate::{block_on, rows};

#[test]
fn a_sorted_set_never_scans_to_change() {
    block_on(async {
        let observed = Observed::new(rows());
        let set = SortedSet::<u32>::new(observed.clone(), "name");
        for element in 0..1_000 {
            set.insert(&element).await.unwrap();
            assert_eq!(observed.take(), [2, 0, 0, 1, 2]);
        }
        set.insert(&5).await.unwrap();
        assert_eq!(observed.take(), [2, 0, 0, 0, 0]);
        set.remove(&5).await.unwrap();
        assert_eq!(observed.take(), [2, 0, 0, 1, 2]);
        set.first().await.unwrap();
        assert_eq!(observed.take(), [1, 1, 1, 0, 0]);
        let mut all = set.flatten();
        assert_eq!(observed.take(), [0; 5], "nothing is read before it is asked for");
        stream::next(&mut all).await.unwrap().unwrap();
        assert_eq!(observed.take(), [1, 1, 16, 0, 0]);
        set.clear().await.unwrap();
        assert_eq!(observed.take(), [1, 0, 0, 1, 1]);
    });
}

/// A leaderboard with members 0 to `size`, in a random order of scores.
async fn board(size: u32) -> (Arc<Observed>, Leaderboard<u32>) {
    let rows = rows();
    let random = Arc::new(SeededRandom::new(1));
    let board = Leaderboard::<u32>::new(rows.clone(), "name").with_random(random);
    for member in 0..size {
        board.set(&member, f64::from(member.wrapping_mul(0x9E37_79B9))).await.unwrap();
    }
    let observed = Observed::new(rows);
    (observed.clone(), Leaderboard::new(observed, "name"))
}

/// The most and the mean of rows read by `rank`.
async fn rank_cost(size: u32) -> (u64, f64) {
    let (observed, board) = board(size).await;
    let (mut most, mut sum) = (0, 0);
    for n in 0..200 {
        board.rank(&(n * (size / 200))).await.unwrap().unwrap();
        let [gets, _, scanned, ..] = observed.take();
        (most, sum) = (most.max(gets + scanned), sum + gets + scanned);
    }
    (most, sum as f64 / 200.0)
}

#[test]
fn a_rank_does_not_scan_the_table() {
    block_on(async {
        let (_, few) = rank_cost(200).await;
        let (most, many) = rank_cost(20_000).await;
        assert!(most <= 12, "{most} rows");
        assert!(many <= 3.0 * few, "{few} rows on average, {many} with 100 times as many members");
    });
}

#[test]
fn a_change_is_one_small_batch() {
    block_on(async {
        let (observed, board) = board(20_000).await;
        for member in (0..20_000).step_by(997) {
            assert_eq!(board.set(&member, 0.5).await.unwrap().map(|_| ()), Some(()));
            let [gets, scans, _, batches, written] = observed.take();
            assert_eq!((scans, batches), (0, 1));
            assert!(gets <= 24 && written <= 24, "{gets} rows read, {written} written");

            board.set(&member, 0.5).await.unwrap();
            assert_eq!(observed.take(), [2, 0, 0, 0, 0], "the same score again");

            board.remove(&member).await.unwrap();
            let [gets, scans, _, batches, written] = observed.take();
            assert_eq!((scans, batches), (0, 1));
            assert!(gets <= 14 && written <= 14, "{gets} rows read, {written} written");
        }
    });
}

#[test]
fn the_table_is_read_in_pages() {
    block_on(async {
        let (observed, board) = board(2_000).await;
        let mut standings = board.standings();
        assert_eq!(observed.take(), [0; 5], "nothing is read before it is asked for");
        stream::next(&mut standings).await.unwrap().unwrap();
        let [gets, _, rows, ..] = observed.take();
        assert!(gets == 1 && rows < 100, "{rows} rows for the first page");
        for _ in 1..256 {
            stream::next(&mut standings).await.unwrap().unwrap();
        }
        assert_eq!(observed.take(), [0; 5]);
        stream::next(&mut standings).await.unwrap().unwrap();
        let [_, _, rows, ..] = observed.take();
        assert!((1..100).contains(&rows), "{rows} rows for the second page");

        board.top(10).await.unwrap();
        let [gets, scans, rows, ..] = observed.take();
        assert!(gets == 1 && scans <= 4 && rows <= 20, "{rows} rows for 10 lines");
        board.at(1_000).await.unwrap().unwrap();
        let [gets, scans, ..] = observed.take();
        assert!(gets <= 8 && scans == 0, "{gets} rows for a line by its rank");
    });
}
