//! Each check finds what it is for, and nothing else.

use std::collections::BTreeMap;

use kvs_core::Key;
use kvs_rng::identity::NodeId;
use kvs_rng::version::{Dot, Sibling, Timestamp, Versions};

use super::*;
use crate::history::{Action, Event, Id, Operation, Outcome};
use crate::mints::Mint;

type Rows = BTreeMap<Key, Option<Id>>;

fn rows(rows: &[(&str, u64)]) -> Rows {
    rows.iter().map(|(key, id)| (Key::from(*key), (*id > 0).then_some(Id(*id)))).collect()
}

fn operation(start: Event, end: Event, action: Action, outcome: Outcome) -> Operation {
    Operation {
        node: 0,
        client: 1,
        action,
        start,
        start_ms: start,
        end: Some(end),
        outcome,
        is_last: false,
        error: None,
    }
}

/// A write of ids to keys; 0 deletes.
fn write(start: Event, end: Event, written: &[(&str, u64)], outcome: Outcome) -> Operation {
    operation(start, end, Action::Write(rows(written)), outcome)
}

/// A read, after all faults, that found ids; 0 is nothing.
fn read(start: Event, end: Event, found: &[(&str, u64)]) -> Operation {
    let read = operation(start, end, Action::Read, Outcome::Found(rows(found)));
    Operation { is_last: true, ..read }
}

/// Mints at a moment, of a timestamp, of an id (0 deletes), of a key.
fn order(mints: &[(Event, u64, u64, &str)]) -> Order {
    let mut by_key: BTreeMap<Key, Vec<Mint>> = BTreeMap::new();
    for (at, timestamp, id, key) in mints {
        let dot = Dot::new(NodeId::from_bytes([1; 16]), *at);
        let mint = Mint { at: *at, rank: (*timestamp, dot), id: (*id > 0).then_some(Id(*id)) };
        by_key.entry(Key::from(*key)).or_default().push(mint);
    }
    Order::new(by_key)
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    acknowledged: usize,
    deleted: usize,
    refused: usize,
    batches: usize,
}

const NONE: Found = Found { acknowledged: 0, deleted: 0, refused: 0, batches: 0 };

fn check(operations: &[Operation], order: &Order) -> Found {
    Found {
        acknowledged: acknowledged::check(operations, order).len(),
        deleted: deleted::check(operations, order).len(),
        refused: refused::check(operations, order).len(),
        batches: batches::check(operations, order).len(),
    }
}

use Outcome::{Done, NotApplied, Unknown};

#[test]
fn what_may_happen_is_no_violation() {
    // One after another, overwritten, deleted, written again.
    let mints = order(&[(1, 10, 1, "a"), (11, 20, 2, "a"), (21, 30, 0, "a"), (31, 40, 3, "a")]);
    let history = [
        write(0, 2, &[("a", 1)], Done),
        read(3, 4, &[("a", 1)]),
        write(10, 12, &[("a", 2)], Done),
        read(13, 14, &[("a", 2)]),
        write(20, 22, &[("a", 0)], Done),
        read(23, 24, &[("a", 0)]),
        write(30, 32, &[("a", 3)], Unknown),
        read(33, 34, &[("a", 0)]),
        read(35, 36, &[("a", 3)]),
    ];
    assert_eq!(check(&history, &mints), NONE);

    // Two at once: the one with the higher timestamp may be read after either.
    let mints = order(&[(1, 20, 1, "a"), (2, 10, 2, "a")]);
    let history =
        [write(0, 5, &[("a", 1)], Done), write(0, 6, &[("a", 2)], Done), read(7, 8, &[("a", 1)])];
    assert_eq!(check(&history, &mints), NONE);

    // A read beside a write may miss it.
    let history = [write(0, 5, &[("b", 1)], Done), read(4, 8, &[("b", 0)])];
    assert_eq!(check(&history, &order(&[(1, 20, 1, "b")])), NONE);
}

#[test]
fn a_lost_write_is_found() {
    let lost = Found { acknowledged: 1, ..NONE };
    let mints = order(&[(1, 10, 1, "a"), (11, 20, 2, "a")]);
    let writes = [write(0, 2, &[("a", 1)], Done), write(10, 12, &[("a", 2)], Done)];
    let with = |read| [writes.clone().to_vec(), vec![read]].concat();
    assert_eq!(check(&with(read(13, 14, &[("a", 1)])), &mints), lost);
    assert_eq!(check(&with(read(3, 14, &[("a", 1)])), &mints), NONE);
    // Nothing at all loses both.
    let both = Found { acknowledged: 2, ..NONE };
    assert_eq!(check(&with(read(13, 14, &[("a", 0)])), &mints), both);
    // So does what nobody wrote.
    assert_eq!(check(&with(read(13, 14, &[("a", 9)])), &mints), both);
}

#[test]
fn a_wrong_clock_excuses_only_what_it_explains() {
    // The second write has the lower timestamp: the first may win.
    let mints = order(&[(1, 20, 1, "a"), (11, 10, 2, "a")]);
    let writes = [write(0, 2, &[("a", 1)], Done), write(10, 12, &[("a", 2)], Done)];
    let with = |read| [writes.clone().to_vec(), vec![read]].concat();
    assert_eq!(check(&with(read(13, 14, &[("a", 1)])), &mints), NONE);
    let found = check(&with(read(13, 14, &[("a", 0)])), &mints);
    assert_eq!(found, Found { acknowledged: 2, ..NONE });
}

#[test]
fn a_write_that_was_never_or_twice_minted_is_found() {
    let history = [write(0, 5, &[("a", 1)], Done)];
    let wrong = Found { acknowledged: 1, ..NONE };
    assert_eq!(check(&history, &order(&[])), wrong);
    assert_eq!(check(&history, &order(&[(1, 1, 1, "a"), (2, 2, 1, "a")])), wrong);
}

#[test]
fn a_deleted_key_that_returns_is_found() {
    let mints = order(&[(1, 10, 1, "a"), (11, 20, 0, "a")]);
    let history = [
        write(0, 2, &[("a", 1)], Done),
        write(10, 12, &[("a", 0)], Done),
        read(13, 14, &[("a", 1)]),
    ];
    assert_eq!(check(&history, &mints), Found { deleted: 1, ..NONE });
    // Of two deletes at once either may have been meant.
    let mints = order(&[(11, 20, 0, "a"), (12, 5, 0, "a"), (1, 10, 1, "a")]);
    assert_eq!(check(&history, &mints), NONE);
}

#[test]
fn a_refused_write_that_shows_is_found() {
    let history = [write(0, 2, &[("a", 1)], NotApplied), read(3, 4, &[("a", 1)])];
    assert_eq!(check(&history, &order(&[])), Found { refused: 1, ..NONE });
    assert_eq!(check(&history, &order(&[(1, 1, 1, "a")])), Found { refused: 2, ..NONE });
    let history = [write(0, 2, &[("a", 1)], NotApplied), read(3, 4, &[("a", 0)])];
    assert_eq!(check(&history, &order(&[])), NONE);
}

#[test]
fn half_a_batch_is_found() {
    let mints = order(&[(1, 10, 1, "a"), (2, 10, 2, "b")]);
    for outcome in [Done, Unknown] {
        let batch = write(0, 3, &[("a", 1), ("b", 2)], outcome.clone());
        let whole = [batch.clone(), read(4, 5, &[("a", 1)]), read(6, 7, &[("b", 2)])];
        assert_eq!(check(&whole, &mints), NONE);
        let half = [batch.clone(), read(4, 5, &[("a", 1)]), read(6, 7, &[("b", 0)])];
        let acknowledged = usize::from(outcome == Done);
        assert_eq!(check(&half, &mints), Found { batches: 1, acknowledged, ..NONE });
    }
    // A row of it that was written anew is as good.
    let batch = write(0, 3, &[("a", 1), ("b", 2)], Unknown);
    let newer = write(4, 6, &[("b", 3)], Done);
    let mints = order(&[(1, 10, 1, "a"), (2, 10, 2, "b"), (5, 20, 3, "b")]);
    let history = [batch, newer, read(7, 8, &[("a", 1)]), read(9, 10, &[("b", 3)])];
    assert_eq!(check(&history, &mints), NONE);
}

#[test]
fn replicas_that_differ_are_found() {
    let versions = |counter| {
        let dot = Dot::new(NodeId::from_bytes([1; 16]), counter);
        let mut versions = Versions::default();
        versions.write(Sibling::new(dot, Timestamp::from_ms(5), "v"), None).unwrap();
        versions
    };
    let found = |held: [Versions; 2]| {
        let held = held.into_iter().enumerate().collect();
        converged::check(&Replicas { held: [(Key::from("a"), held)].into() }).len()
    };
    assert_eq!(found([versions(1), versions(1)]), 0);
    assert_eq!(found([versions(1), versions(2)]), 1);
    assert_eq!(found([versions(1), Versions::default()]), 1);
}
