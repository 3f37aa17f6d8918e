//! Counters.

use kvs_check::model::counter::Command::{Add, Get};
use kvs_check::model::counter::Counter;

use super::*;

#[test]
fn every_acknowledged_sum_counts_once() {
    holds::<Counter>(&[
        ok(1, 0, 10, Add { by: 1 }, 3),
        ok(2, 0, 10, Add { by: 2 }, 2),
        ok(3, 20, 21, Get, 3),
    ]);
    // A lost one, and one that was counted twice.
    for wrong in [2, 1, 4, 6] {
        fails::<Counter>(&[
            ok(1, 0, 10, Add { by: 1 }, 3),
            ok(2, 0, 10, Add { by: 2 }, 2),
            ok(3, 20, 21, Get, wrong),
        ]);
    }
}

#[test]
fn unknown_sums_count_once_or_never() {
    let mut history = vec![unknown(1, 0, Add { by: 1 }), unknown(2, 0, Add { by: 4 })];
    history.push(ok(3, 5, 6, Add { by: 10 }, 10));
    for sum in [10, 11, 14, 15] {
        let read = ok(3, 10, 11, Get, sum);
        holds::<Counter>(&[&history[..], &[read]].concat());
    }
    for sum in [12, 13, 16, 5, 19] {
        let read = ok(3, 10, 11, Get, sum);
        fails::<Counter>(&[&history[..], &[read]].concat());
    }
}

#[test]
fn many_unknown_sums_that_are_the_same_cost_little() {
    let mut history: Vec<_> = (0..500).map(|n| unknown(n, n, Add { by: 1 })).collect();
    history.push(ok(1_000, 600, 601, Get, 123));
    history.push(ok(1_000, 602, 603, Get, 500));
    holds::<Counter>(&history);
    history.push(ok(1_000, 604, 605, Get, 499));
    fails::<Counter>(&history);
}

#[test]
fn a_sum_that_does_not_fit_is_never_answered() {
    let max = Add { by: i64::MAX };
    fails::<Counter>(&[ok(1, 0, 1, max, i64::MAX), ok(1, 2, 3, Add { by: 1 }, i64::MIN)]);
    holds::<Counter>(&[ok(1, 0, 1, max, i64::MAX), not_applied(1, 2, 3, Add { by: 1 })]);
}
