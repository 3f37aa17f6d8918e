//! A name belongs to the type that used it first.

use kvs_core::DbaError;
use kvs_sort::{Leaderboard, LeaderboardError, SortedSet};

use crate::{block_on, rows};

fn is_wrong_type<T>(result: Result<T, impl Into<LeaderboardError>>) -> bool {
    let Err(error) = result.map(drop) else { return false };
    matches!(error.into(), LeaderboardError::Dba(DbaError::WrongType { .. }))
}

#[test]
fn a_sorted_set_is_no_leaderboard() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<u8>::new(rows.clone(), "name");
        set.insert(&1).await.unwrap();
        let board = Leaderboard::<u8>::new(rows, "name");
        assert!(is_wrong_type(board.set(&1, 1.0).await));
        assert!(is_wrong_type(board.add(&1, 1.0).await));
        assert!(is_wrong_type(board.remove(&1).await));
        assert!(is_wrong_type(board.score(&1).await));
        assert!(is_wrong_type(board.rank(&1).await));
        assert!(is_wrong_type(board.at(1).await));
        assert!(is_wrong_type(board.top(1).await));
        assert!(is_wrong_type(board.around(&1, 1).await));
        assert!(is_wrong_type(board.len().await));
        assert!(is_wrong_type(board.clear().await));
        assert!(is_wrong_type(board.cleanup(1).await));
        assert!(set.contains(&1).await.unwrap());
    });
}

#[test]
fn a_leaderboard_is_no_sorted_set() {
    block_on(async {
        let rows = rows();
        let board = Leaderboard::<u8>::new(rows.clone(), "name");
        board.set(&1, 1.0).await.unwrap();
        let set = SortedSet::<u8>::new(rows, "name");
        assert!(is_wrong_type(set.insert(&1).await));
        assert!(is_wrong_type(set.remove(&1).await));
        assert!(is_wrong_type(set.contains(&1).await));
        assert!(is_wrong_type(set.first().await));
        assert!(is_wrong_type(set.last().await));
        assert!(is_wrong_type(set.len().await));
        assert!(is_wrong_type(set.clear().await));
        assert!(is_wrong_type(set.cleanup(1).await));
        assert_eq!(board.score(&1).await.unwrap(), Some(1.0));
    });
}

/// Every call can be made from a task that moves between threads.
#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let set = SortedSet::<String>::new(rows(), "set");
    let board = Leaderboard::<String>::new(rows(), "board");
    let name = String::new();
    is_send((set.insert(&name), set.remove(&name), set.contains(&name), set.cleanup(1)));
    is_send((set.first(), set.last(), set.clear(), set.len(), set.is_empty()));
    is_send((board.set(&name, 1.0), board.add(&name, 1.0), board.remove(&name), board.cleanup(1)));
    is_send((board.score(&name), board.rank(&name), board.around(&name, 1), board.at(1)));
    is_send((board.top(1), board.clear(), board.len(), board.is_empty()));
    is_send((set, board));
}
