//! Feeds.

use kvs_check::model::feed::Command::{self, All, Get, Head, Len, Remove};
use kvs_check::model::feed::{Answer, Feed};

use super::*;

fn add(value: &str) -> Command {
    Command::Add { value: value.into() }
}

const WHOLE: Command = All { from: None, limit: None };

fn eid(eid: u64) -> Answer {
    Answer::Number(eid)
}

fn entries<const N: usize>(entries: [(u64, &str); N]) -> Answer {
    Answer::Entries(entries.into_iter().map(|(eid, value)| (eid, value.into())).collect())
}

#[test]
fn one_after_the_other() {
    holds::<Feed>(&[
        ok(1, 0, 1, WHOLE, entries([])),
        ok(1, 2, 3, add("a"), eid(1)),
        ok(1, 4, 5, add("b"), eid(2)),
        ok(1, 6, 7, add("c"), eid(3)),
        ok(1, 8, 9, WHOLE, entries([(3, "c"), (2, "b"), (1, "a")])),
        ok(1, 10, 11, All { from: Some(2), limit: Some(1) }, entries([(2, "b")])),
        ok(1, 12, 13, Remove { eid: 2 }, Answer::Done(true)),
        ok(1, 14, 15, Remove { eid: 2 }, Answer::Done(false)),
        ok(1, 16, 17, Remove { eid: 9 }, Answer::Done(false)),
        ok(1, 18, 19, Get { eid: 2 }, Answer::Value(None)),
        ok(1, 20, 21, Get { eid: 1 }, Answer::Value(Some("a".into()))),
        ok(1, 22, 23, All { from: Some(2), limit: None }, entries([(1, "a")])),
        ok(1, 24, 25, Len, eid(2)),
        ok(1, 26, 27, Head, entries([(3, "c")])),
        ok(1, 28, 29, Remove { eid: 3 }, Answer::Done(true)),
        ok(1, 30, 31, add("d"), eid(4)),
        ok(1, 32, 33, WHOLE, entries([(4, "d"), (1, "a")])),
    ]);
}

#[test]
fn numbers_are_given_once_and_without_gaps() {
    fails::<Feed>(&[ok(1, 0, 10, add("a"), eid(1)), ok(2, 0, 10, add("b"), eid(1))]);
    fails::<Feed>(&[ok(1, 0, 10, add("a"), eid(1)), ok(2, 0, 10, add("b"), eid(3))]);
    holds::<Feed>(&[ok(1, 0, 10, add("a"), eid(2)), ok(2, 0, 10, add("b"), eid(1))]);
    fails::<Feed>(&[ok(1, 0, 10, add("a"), eid(2)), ok(2, 20, 30, add("b"), eid(1))]);
}

#[test]
fn an_acknowledged_entry_that_is_gone_fails() {
    let adds = [ok(1, 0, 1, add("a"), eid(1)), ok(1, 2, 3, add("b"), eid(2))];
    let all = |answer| ok(2, 10, 11, WHOLE, answer);
    holds::<Feed>(&[&adds[..], &[all(entries([(2, "b"), (1, "a")]))]].concat());
    for wrong in [
        entries([(2, "b")]),
        entries([(1, "a")]),
        entries([]),
        entries([(2, "a"), (1, "b")]),
        entries([(1, "a"), (2, "b")]),
        entries([(3, "b"), (2, "b"), (1, "a")]),
    ] {
        fails::<Feed>(&[&adds[..], &[all(wrong)]].concat());
    }
}

#[test]
fn unknown_adds_fill_gaps_as_reads_tell() {
    let history = [
        unknown(1, 0, add("u")),
        unknown(2, 0, add("v")),
        unknown(3, 0, add("w")),
        ok(4, 0, 1, add("a"), eid(2)),
        ok(4, 2, 3, add("b"), eid(4)),
    ];
    let all = |answer| ok(5, 10, 11, WHOLE, answer);
    holds::<Feed>(&history);
    for right in [
        entries([(4, "b"), (3, "v"), (2, "a"), (1, "u")]),
        entries([(4, "b"), (3, "u"), (2, "a"), (1, "w")]),
        entries([(5, "w"), (4, "b"), (3, "v"), (2, "a"), (1, "u")]),
    ] {
        holds::<Feed>(&[&history[..], &[all(right)]].concat());
    }
    for wrong in [
        entries([(4, "b"), (3, "u"), (2, "a"), (1, "u")]),
        entries([(4, "b"), (2, "a"), (1, "u")]),
        entries([(4, "b"), (3, "x"), (2, "a"), (1, "u")]),
    ] {
        fails::<Feed>(&[&history[..], &[all(wrong)]].concat());
    }
}

#[test]
fn unknown_removals_may_have_happened() {
    let history = [
        ok(1, 0, 1, add("a"), eid(1)),
        ok(1, 2, 3, add("b"), eid(2)),
        unknown(2, 4, Remove { eid: 1 }),
    ];
    let all = |at, answer| ok(3, at, at + 1, WHOLE, answer);
    let both = entries([(2, "b"), (1, "a")]);
    let one = entries([(2, "b")]);
    holds::<Feed>(&[&history[..], &[all(10, both.clone()), all(20, one.clone())]].concat());
    fails::<Feed>(&[&history[..], &[all(10, one), all(20, both)]].concat());
    fails::<Feed>(&[&history[..], &[all(10, entries([(1, "a")]))]].concat());
}

#[test]
fn one_unknown_add_is_not_there_twice() {
    fails::<Feed>(&[unknown(1, 0, add("a")), ok(2, 1, 2, WHOLE, entries([(2, "a"), (1, "a")]))]);
    holds::<Feed>(&[
        unknown(1, 0, add("a")),
        unknown(1, 0, add("a")),
        ok(2, 1, 2, WHOLE, entries([(2, "a"), (1, "a")])),
    ]);
}
