//! A leaderboard answers as a sorted list does.

use std::collections::BTreeMap;
use std::sync::Arc;

use kvs_core::env::SeededRandom;
use kvs_sort::{Leaderboard, LeaderboardError, Standing};
use proptest::prelude::*;

use crate::{all, block_on, rows};

type Model = BTreeMap<String, f64>;

#[derive(Clone, Debug)]
enum Change {
    Set(String, f64),
    Add(String, f64),
    Remove(String),
    Clear,
    Cleanup(usize),
}

/// Some 300 different ones, among them prefixes of each other.
fn member() -> impl Strategy<Value = String> {
    "[abc\\x00]{0,4}"
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        // Ties.
        (-3..3_i8).prop_map(f64::from),
        prop::sample::select(vec![
            -0.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::EPSILON,
            1e17,
        ]),
        prop::num::f64::NORMAL,
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        200 => (member(), score()).prop_map(|(member, score)| Change::Set(member, score)),
        100 => (member(), score()).prop_map(|(member, delta)| Change::Add(member, delta)),
        50 => member().prop_map(Change::Remove),
        1 => Just(Change::Clear),
        5 => (1..20_usize).prop_map(Change::Cleanup),
    ];
    prop::collection::vec(change, 0..500)
}

fn board(seed: u64) -> Leaderboard<String> {
    Leaderboard::new(rows(), "board").with_random(Arc::new(SeededRandom::new(seed)))
}

async fn apply(board: &Leaderboard<String>, model: &mut Model, change: Change) {
    match change {
        Change::Set(member, score) => {
            assert_eq!(board.set(&member, score).await.unwrap(), model.insert(member, score));
        }
        Change::Add(member, delta) => {
            let sum = model.get(&member).unwrap_or(&0.0) + delta;
            match board.add(&member, delta).await {
                Ok(found) => {
                    assert_eq!(found, sum);
                    model.insert(member, sum);
                }
                Err(LeaderboardError::NotFinite { score, .. }) => assert_eq!(score, sum),
                Err(error) => panic!("{error}"),
            }
        }
        Change::Remove(member) => {
            assert_eq!(board.remove(&member).await.unwrap(), model.remove(&member));
        }
        Change::Clear => {
            assert_eq!(board.clear().await.unwrap(), model.len() as u64);
            model.clear();
        }
        Change::Cleanup(limit) => {
            assert!(board.cleanup(limit).await.unwrap().removed <= limit as u64);
        }
    }
}

fn table(model: &Model) -> Vec<Standing<String>> {
    let mut lines: Vec<_> = model.iter().collect();
    lines.sort_by(|(a, x), (b, y)| y.partial_cmp(x).unwrap().then(a.cmp(b)));
    let lines = (1..).zip(lines);
    lines
        .map(|(rank, (member, score))| Standing { rank, member: member.clone(), score: *score })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_leaderboard_answers_as_a_sorted_list_does(
        changes in changes(),
        stranger in member(),
        seed: u64,
    ) {
        block_on(async {
            let (board, mut model) = (board(seed), Model::new());
            for change in changes {
                apply(&board, &mut model, change).await;
                assert_eq!(board.len().await.unwrap(), model.len() as u64);
            }

            let table = table(&model);
            assert_eq!(board.is_empty().await.unwrap(), table.is_empty());
            assert_eq!(all(board.standings()).await, table);
            assert_eq!(board.top(usize::MAX).await.unwrap(), table);
            for (position, line) in table.iter().enumerate() {
                assert_eq!(board.score(&line.member).await.unwrap(), Some(line.score));
                assert_eq!(board.rank(&line.member).await.unwrap(), Some(line.rank));
                assert_eq!(board.at(line.rank).await.unwrap().as_ref(), Some(line));
                let n = position % 7;
                let near = &table[position.saturating_sub(n)..(position + n + 1).min(table.len())];
                assert_eq!(board.around(&line.member, n).await.unwrap(), near);
                if position % 40 == 0 {
                    assert_eq!(board.top(position).await.unwrap(), table[..position]);
                    assert_eq!(all(board.standings_from(line.rank)).await, table[position..]);
                }
            }
            assert_eq!(board.at(0).await.unwrap(), None);
            assert_eq!(board.at(table.len() as u64 + 1).await.unwrap(), None);
            assert_eq!(all(board.standings_from(table.len() as u64 + 1)).await, []);
            if !model.contains_key(&stranger) {
                assert_eq!(board.score(&stranger).await.unwrap(), None);
                assert_eq!(board.rank(&stranger).await.unwrap(), None);
                assert_eq!(board.around(&stranger, 3).await.unwrap(), []);
            }
        });
    }
}

#[test]
fn zero_has_no_sign() {
    block_on(async {
        let board = board(1);
        let member = "m".to_owned();
        board.set(&member, -0.0).await.unwrap();
        assert_eq!(board.set(&member, 0.0).await.unwrap().map(f64::to_bits), Some(0));
        assert_eq!(board.score(&member).await.unwrap().map(f64::to_bits), Some(0));
        assert_eq!(board.top(1).await.unwrap()[0].score.to_bits(), 0);
        assert_eq!(board.add(&member, -0.0).await.unwrap().to_bits(), 0);
    });
}

#[test]
fn scores_are_finite() {
    block_on(async {
        let board = board(1);
        let member = "ann".to_owned();
        for score in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = board.set(&member, score).await.unwrap_err();
            assert!(matches!(error, LeaderboardError::NotFinite { .. }));
            let message = error.to_string();
            assert!(message.contains("ann") && message.contains(&score.to_string()), "{message}");
        }
        assert_eq!(board.len().await.unwrap(), 0);

        board.set(&member, f64::MAX).await.unwrap();
        board.add(&member, f64::MAX).await.unwrap_err();
        board.add(&member, f64::NAN).await.unwrap_err();
        assert_eq!(board.score(&member).await.unwrap(), Some(f64::MAX));
    });
}
