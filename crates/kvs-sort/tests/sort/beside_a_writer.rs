//! Reads that run beside a writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kvs_core::env::{Random, SeededRandom};
use kvs_sort::Leaderboard;

use crate::observed::Observed;
use crate::{all, block_on, rows};

/// Members 0 to 399 move about, those from 400 on stay where they are.
const MOVING: u32 = 400;
const MEMBERS: u32 = 1_000;
/// As many of the moving ones are always ahead of this one as behind it.
const ME: u32 = MEMBERS;

struct Match {
    board: Leaderboard<u32>,
    observed: Arc<Observed>,
    random: Arc<SeededRandom>,
    over: AtomicBool,
}

impl Match {
    async fn begin() -> Self {
        let (observed, random) = (Observed::new(rows()), Arc::new(SeededRandom::new(11)));
        let board = Leaderboard::<u32>::new(observed.clone(), "name").with_random(random.clone());
        let this = Self { board, observed, random, over: AtomicBool::new(false) };
        this.board.set(&ME, 0.0).await.unwrap();
        for member in 0..MEMBERS {
            this.score(member).await;
        }
        this
    }

    async fn score(&self, member: u32) {
        let points = 1.0 + (self.random.next_u64() % 1_000) as f64;
        let points = if member.is_multiple_of(2) { points } else { -points };
        self.board.set(&member, points).await.unwrap();
    }

    async fn play(&self) {
        while !self.over.load(Relaxed) {
            self.score((self.random.next_u64() % u64::from(MOVING)) as u32).await;
        }
    }

    fn changes(&self) -> u64 {
        self.observed.batches.load(Relaxed)
    }
}

#[test]
fn a_rank_is_off_by_no_more_than_the_changes_meanwhile() {
    block_on(async {
        let game = Match::begin().await;
        let exact = u64::from(MEMBERS / 2 + 1);
        let read = async {
            let (mut beside_changes, mut inexact) = (0, 0);
            for _ in 0..1_000 {
                let before = game.changes();
                let rank = game.board.rank(&ME).await.unwrap().unwrap();
                let changes = game.changes() - before;
                assert!(rank.abs_diff(exact) <= changes, "rank {rank} beside {changes} changes");
                beside_changes += u64::from(changes > 0);
                inexact += u64::from(rank != exact);

                assert_eq!(game.board.at(exact).await.unwrap().unwrap().rank, exact);
                let near = game.board.around(&ME, 2).await.unwrap();
                assert!(near.iter().any(|line| line.member == ME));
            }
            game.over.store(true, Relaxed);
            assert!(inexact < beside_changes / 2, "{inexact} of {beside_changes} were off");
            assert!(beside_changes > 100, "{beside_changes} ranks were read beside changes");
        };
        tokio::join!(game.play(), read);
        assert_eq!(game.board.rank(&ME).await.unwrap(), Some(exact));
    });
}

#[test]
fn who_stays_is_in_the_table_once() {
    block_on(async {
        let game = Match::begin().await;
        let staying = |member: &u32| (MOVING..MEMBERS).contains(member);
        let table = all(game.board.standings()).await;
        let expected: Vec<_> = table.iter().map(|line| line.member).filter(staying).collect();
        let read = async {
            for _ in 0..100 {
                let table = all(game.board.standings()).await;
                let found: Vec<_> = table.iter().map(|line| line.member).filter(staying).collect();
                assert_eq!(found, expected);
            }
            game.over.store(true, Relaxed);
        };
        tokio::join!(game.play(), read);
    });
}
