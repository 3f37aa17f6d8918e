//! Registers.

use kvs_check::model::register::Command::{CompareAndSet, Delete, Get, Set};
use kvs_check::model::register::{Answer, Command, Register, When};
use kvs_check::{Limits, Verdict, linearizable};

use super::*;

fn set(value: &str) -> Command {
    Set { value: value.into(), when: When::Always }
}

fn set_if(when: When, value: &str) -> Command {
    Set { value: value.into(), when }
}

fn cas(expected: &str, value: &str) -> Command {
    CompareAndSet { expected: Some(expected.into()), value: value.into() }
}

const DONE: Answer = Answer::Done(true);
const NOT_DONE: Answer = Answer::Done(false);

fn value(value: &str) -> Answer {
    Answer::Value(Some(value.into()))
}

const NONE: Answer = Answer::Value(None);

#[test]
fn one_after_the_other() {
    holds::<Register>(&[]);
    holds::<Register>(&[
        ok(1, 0, 1, Get, NONE),
        ok(1, 2, 3, set("a"), DONE),
        ok(2, 4, 5, Get, value("a")),
        ok(2, 6, 7, Delete, DONE),
        ok(1, 8, 9, Delete, NOT_DONE),
        ok(1, 10, 11, Get, NONE),
    ]);
}

#[test]
fn a_stale_read_fails() {
    fails::<Register>(&[
        ok(1, 0, 1, set("a"), DONE),
        ok(1, 2, 3, set("b"), DONE),
        ok(2, 4, 5, Get, value("a")),
    ]);
}

#[test]
fn overlapping_writes_may_be_in_either_order_but_in_one() {
    let writes = [ok(1, 0, 10, set("a"), DONE), ok(2, 0, 10, set("b"), DONE)];
    let read = |at, answer| ok(3, at, at + 1, Get, value(answer));
    for last in ["a", "b"] {
        holds::<Register>(&[writes[0].clone(), writes[1].clone(), read(20, last)]);
    }
    fails::<Register>(&[writes[0].clone(), writes[1].clone(), read(20, "a"), read(30, "b")]);
}

#[test]
fn a_read_may_see_a_write_before_it_returns_but_then_all_later_reads_do() {
    let write = ok(1, 0, 100, set("a"), DONE);
    holds::<Register>(&[write.clone(), ok(2, 10, 20, Get, NONE), ok(3, 30, 40, Get, value("a"))]);
    fails::<Register>(&[write, ok(2, 10, 20, Get, value("a")), ok(3, 30, 40, Get, NONE)]);
}

#[test]
fn an_unknown_write_may_take_effect_late_or_never() {
    let write = unknown(1, 0, set("a"));
    let none = |at| ok(2, at, at + 1, Get, NONE);
    let a = |at| ok(2, at, at + 1, Get, value("a"));
    holds::<Register>(&[write.clone(), none(10), none(20)]);
    holds::<Register>(&[write.clone(), none(10), a(20), a(30)]);
    fails::<Register>(&[write.clone(), none(10), a(20), none(30)]);
    // Not before it was invoked, and not twice.
    fails::<Register>(&[unknown(1, 50, set("a")), a(20)]);
    let b = ok(2, 25, 26, set("b"), DONE);
    fails::<Register>(&[write, a(20), b, a(30)]);
}

#[test]
fn a_write_that_was_not_applied_never_shows() {
    fails::<Register>(&[not_applied(1, 0, 5, set("a")), ok(2, 10, 11, Get, value("a"))]);
    holds::<Register>(&[not_applied(1, 0, 5, set("a")), ok(2, 10, 11, Get, NONE)]);
}

#[test]
fn conditions() {
    holds::<Register>(&[
        ok(1, 0, 1, set_if(When::Present, "x"), NOT_DONE),
        ok(1, 2, 3, set_if(When::Absent, "a"), DONE),
        ok(1, 4, 5, set_if(When::Absent, "b"), NOT_DONE),
        ok(1, 6, 7, set_if(When::Present, "c"), DONE),
        ok(1, 8, 9, cas("a", "d"), NOT_DONE),
        ok(1, 10, 11, cas("c", "d"), DONE),
        ok(1, 12, 13, set("e"), value("d")),
        ok(1, 14, 15, set_if(When::Absent, "f"), value("e")),
        ok(1, 16, 17, Get, value("e")),
    ]);
    // Of two that set it only if it is empty, one has to be refused.
    let lock = |client| ok(client, 0, 10, set_if(When::Absent, "l"), DONE);
    fails::<Register>(&[lock(1), lock(2)]);
    holds::<Register>(&[lock(1), lock(2), unknown(3, 5, Delete)]);
    // A lost compare-and-set.
    fails::<Register>(&[
        ok(1, 0, 1, set("a"), DONE),
        ok(2, 2, 10, cas("a", "b"), DONE),
        ok(3, 2, 10, cas("a", "c"), DONE),
    ]);
}

#[test]
fn unknown_writes_of_values_nobody_reads_are_still_writes() {
    // The empty text and the others are values of their own.
    holds::<Register>(&[unknown(1, 0, set("x")), ok(2, 1, 2, Delete, DONE)]);
    holds::<Register>(&[
        unknown(1, 0, set("x")),
        unknown(1, 0, set("")),
        ok(2, 1, 2, Get, value("")),
    ]);
    fails::<Register>(&[unknown(1, 0, set("x")), ok(2, 1, 2, Get, value(""))]);
    fails::<Register>(&[unknown(1, 0, set("x")), ok(2, 1, 2, Get, value("\0"))]);
    fails::<Register>(&[
        unknown(1, 0, set("x")),
        ok(2, 1, 2, Delete, DONE),
        ok(2, 3, 4, Delete, DONE),
    ]);
}

#[test]
fn chains_of_unknown_operations_are_found() {
    // Both have to have happened, in this order.
    holds::<Register>(&[
        unknown(1, 0, cas("b", "c")),
        unknown(2, 0, cas("a", "b")),
        ok(3, 0, 1, set("a"), DONE),
        ok(3, 2, 3, Get, value("c")),
    ]);
    fails::<Register>(&[
        unknown(1, 0, cas("b", "c")),
        ok(3, 0, 1, set("a"), DONE),
        ok(3, 2, 3, Get, value("c")),
    ]);
}

#[test]
fn a_failure_names_what_can_not_be_placed() {
    let history = [
        ok(1, 0, 1, set("a"), DONE),
        ok(1, 2, 3, set("b"), DONE),
        ok(2, 4, 5, Get, value("a")),
        ok(2, 6, 7, Get, value("b")),
    ];
    let Verdict::Violated(stuck) = verdict::<Register>(&history) else { panic!() };
    assert_eq!(stuck.placed, [0, 1]);
    assert_eq!(stuck.next, [2]);
    assert!(stuck.state.contains("\"b\""), "{}", stuck.state);
}

#[test]
fn a_search_that_gives_up_says_so() {
    let history: Vec<_> = (0..50).map(|n| ok(n, 0, 100, set(&n.to_string()), DONE)).collect();
    let wrong = ok(99, 200, 201, Get, value("none of them"));
    let history: Vec<_> = history.into_iter().chain([wrong]).collect();
    let limits = Limits { steps_max: 1_000, nodes_max: 1_000_000 };
    let verdict = linearizable(Register::default(), &history, limits);
    assert!(matches!(verdict, Verdict::Undecided { steps: 1_000, .. }), "{verdict:?}");
    let limits = Limits { steps_max: u64::MAX, nodes_max: 100 };
    let verdict = linearizable(Register::default(), &history, limits);
    assert!(matches!(verdict, Verdict::Undecided { .. }), "{verdict:?}");
}
