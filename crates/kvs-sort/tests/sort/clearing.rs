//! What is cleared is gone at once, and its rows once they are cleaned up.

use kvs_core::{Dba, Scan};
use kvs_sort::{Cleaned, Leaderboard, SortedSet};

use crate::{all, block_on, rows};

async fn count(dba: &dyn Dba) -> usize {
    all(dba.stream(b"name", Scan::all())).await.len()
}

#[test]
fn a_cleared_set_begins_anew() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<u32>::new(rows.clone(), "name");
        for round in 0..3 {
            for element in 0..50 {
                assert!(set.insert(&(element + round)).await.unwrap());
            }
            let mut begun = set.flatten();
            let first = kvs_core::stream::next(&mut begun).await.unwrap().unwrap();
            assert_eq!(set.clear().await.unwrap(), 50);
            assert_eq!(set.clear().await.unwrap(), 0);
            assert!(set.is_empty().await.unwrap());
            assert_eq!(set.first().await.unwrap(), None);
            // The page that was read before is read to its end.
            assert_eq!((first, all(begun).await.len()), (round, 15));
        }
        set.insert(&7).await.unwrap();
        assert_eq!(count(&*rows).await, 152);

        let step = set.cleanup(100).await.unwrap();
        assert_eq!(step, Cleaned { removed: 100, more: true });
        let step = set.cleanup(100).await.unwrap();
        assert_eq!(step, Cleaned { removed: 50, more: false });
        assert_eq!(set.cleanup(100).await.unwrap(), Cleaned::default());
        assert_eq!((count(&*rows).await, all(set.flatten()).await), (2, vec![7]));
    });
}

#[test]
fn a_cleared_leaderboard_begins_anew() {
    block_on(async {
        let rows = rows();
        let board = Leaderboard::<u32>::new(rows.clone(), "name");
        for round in 0..3 {
            for member in 0..50 {
                let before = board.set(&member, f64::from(member + round)).await.unwrap();
                assert_eq!(before, None);
            }
            assert_eq!(board.rank(&0).await.unwrap(), Some(50));
            assert_eq!(board.clear().await.unwrap(), 50);
            assert_eq!(board.clear().await.unwrap(), 0);
            assert_eq!(board.rank(&0).await.unwrap(), None);
        }
        board.set(&7, 7.0).await.unwrap();
        let mut steps = 1;
        while board.cleanup(40).await.unwrap().more {
            steps += 1;
        }
        assert!(steps >= 3 * 50 / 40, "{steps} steps");
        assert!(count(&*rows).await <= 3 + 2 * 8);
        assert_eq!(board.at(1).await.unwrap().unwrap().member, 7);
    });
}

/// Cleaning goes on where it was when more is cleared in the meantime.
#[test]
fn clearing_and_cleaning_take_turns() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<u32>::new(rows.clone(), "name");
        let mut removed = 0;
        for round in 0..10 {
            for element in 0..20 {
                set.insert(&element).await.unwrap();
            }
            set.clear().await.unwrap();
            if round % 2 == 0 {
                removed += set.cleanup(7).await.unwrap().removed;
            }
        }
        loop {
            let step = set.cleanup(7).await.unwrap();
            removed += step.removed;
            if !step.more {
                break;
            }
        }
        assert_eq!((removed, count(&*rows).await), (200, 1));
    });
}

#[test]
fn there_is_nothing_to_clear_or_clean_in_what_does_not_exist() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<u32>::new(rows.clone(), "name");
        assert_eq!(set.clear().await.unwrap(), 0);
        assert_eq!(set.cleanup(10).await.unwrap(), Cleaned::default());
        let board = Leaderboard::<u32>::new(rows.clone(), "name");
        assert_eq!(board.clear().await.unwrap(), 0);
        assert_eq!(board.cleanup(10).await.unwrap(), Cleaned::default());
        assert_eq!(count(&*rows).await, 0);
    });
}
