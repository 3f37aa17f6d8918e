//! What is too long is refused before anything is written.

use kvs_core::entity::header;
use kvs_core::limits::LimitError;
use kvs_core::{DbaError, Outcome};
use kvs_sort::{ELEMENT_BYTES_MAX, Leaderboard, LeaderboardError, MEMBER_BYTES_MAX, SortedSet};

use crate::{all, block_on, rows};

/// A text whose encoding has this many bytes.
fn text(bytes: usize) -> String {
    "x".repeat(bytes - 2)
}

#[test]
fn elements_have_a_longest_length() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<String>::new(rows.clone(), "name");
        let (longest, longer) = (text(ELEMENT_BYTES_MAX), text(ELEMENT_BYTES_MAX + 1));
        let expected = LimitError {
            what: "element length in bytes",
            found: ELEMENT_BYTES_MAX + 1,
            limit: ELEMENT_BYTES_MAX,
        };
        let Err(DbaError::Limit(error)) = set.insert(&longer).await else { panic!("too long") };
        assert_eq!(error, expected);
        assert_eq!(header::type_of(&*rows, b"name").await.unwrap(), None);

        assert!(set.insert(&longest).await.unwrap());
        assert!(set.contains(&longest).await.unwrap());
        // A bound is no element.
        assert_eq!(all(set.range(..longer)).await, [longest]);
    });
}

#[test]
fn members_have_a_longest_length() {
    block_on(async {
        let rows = rows();
        let board = Leaderboard::<String>::new(rows.clone(), "name");
        let error = board.set(&text(MEMBER_BYTES_MAX + 1), 1.0).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotApplied);
        let LeaderboardError::Dba(DbaError::Limit(error)) = error else { panic!("{error}") };
        assert_eq!((error.found, error.limit), (MEMBER_BYTES_MAX + 1, MEMBER_BYTES_MAX));
        assert_eq!(header::type_of(&*rows, b"name").await.unwrap(), None);

        // Enough of them that some are boundaries.
        for n in 0..100 {
            let mut member = text(MEMBER_BYTES_MAX - 3);
            member.push_str(&format!("{n:03}"));
            board.set(&member, 1.0).await.unwrap();
            assert_eq!(board.rank(&member).await.unwrap(), Some(n + 1));
        }
    });
}

#[test]
fn names_and_steps_have_limits() {
    block_on(async {
        for name in [String::new(), "x".repeat(1_025)] {
            let set = SortedSet::<u8>::new(rows(), name.as_str());
            assert!(matches!(set.insert(&1).await, Err(DbaError::Limit(_))));
            let board = Leaderboard::<u8>::new(rows(), name);
            let error = board.set(&1, 1.0).await;
            assert!(matches!(error, Err(LeaderboardError::Dba(DbaError::Limit(_)))));
        }
        let set = SortedSet::<u8>::new(rows(), "name");
        set.insert(&1).await.unwrap();
        assert!(matches!(set.cleanup(0).await, Err(DbaError::Limit(_))));
        assert_eq!(set.cleanup(usize::MAX).await.unwrap().removed, 0);
    });
}
