//! Reads that run beside a writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kvs_core::env::{Random, SeededRandom};
use kvs_sort::Leaderboard;

use crate::observed::Observed;
use crate::{block_on, rows};

const RIVALS: u32 = 400;
const ME: u32 = RIVALS;

/// A score on the side of a rival: the first half is always ahead of me, the other one behind.
fn score(rival: u32, random: &dyn Random) -> f64 {
    let points = 1.0 + (random.next_u64() % 1_000) as f64;
    if rival < RIVALS / 2 { points } else { -points }
}

/// However the rivals move among themselves, I stay where I am. A reader that looks while they move
/// may miss each move, or see half of it.
#[test]
fn a_rank_is_off_by_no_more_than_the_changes_meanwhile() {
    block_on(async {
        let (observed, random) = (Observed::new(rows()), Arc::new(SeededRandom::new(11)));
        let board = Leaderboard::<u32>::new(observed.clone(), "name").with_random(random.clone());
        board.set(&ME, 0.0).await.unwrap();
        for rival in 0..RIVALS {
            board.set(&rival, score(rival, &*random)).await.unwrap();
        }
        let (done, changes) = (AtomicBool::new(false), || observed.batches.load(Relaxed));

        let write = async {
            while !done.load(Relaxed) {
                let rival = (random.next_u64() % u64::from(RIVALS)) as u32;
                board.set(&rival, score(rival, &*random)).await.unwrap();
            }
        };
        let read = async {
            let exact = u64::from(RIVALS / 2 + 1);
            let (mut overtaken, mut inexact) = (0, 0);
            for _ in 0..2_000 {
                let before = changes();
                let rank = board.rank(&ME).await.unwrap().unwrap();
                let meanwhile = changes() - before;
                assert!(rank.abs_diff(exact) <= meanwhile, "rank {rank} after {meanwhile} changes");
                overtaken += u64::from(meanwhile > 0);
                inexact += u64::from(rank != exact);

                let line = board.at(exact).await.unwrap().unwrap();
                assert_eq!(line.rank, exact);
                let near = board.around(&ME, 2).await.unwrap();
                assert!(near.iter().any(|line| line.member == ME));
            }
            done.store(true, Relaxed);
            (overtaken, inexact)
        };
        let ((), (overtaken, inexact)) = tokio::join!(write, read);
        assert!(overtaken > 100 && inexact < overtaken, "{inexact} of {overtaken}");
        assert_eq!(board.rank(&ME).await.unwrap(), Some(u64::from(RIVALS / 2 + 1)));
    });
}
