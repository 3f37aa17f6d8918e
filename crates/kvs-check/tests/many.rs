//! Generated histories: those of a sequential execution pass, and mutations of them fail.

use kvs_check::Text;
use kvs_check::model::{counter, feed, register};
use proptest::prelude::*;

use super::generate::{Random, Sequential, Shape, history};
use super::*;

#[derive(Default)]
struct Register {
    value: Option<Text>,
    drawn: u64,
}

impl Sequential<register::Register> for Register {
    fn draw(&mut self, random: &mut Random) -> register::Command {
        use register::Command::{CompareAndSet, Delete, Get, Set};
        use register::When::{Absent, Always, Present};
        self.drawn += 1;
        // Some values are set more than once.
        let drawn = if random.percent(20) { self.drawn / 10 } else { self.drawn };
        let value = Text::from(drawn.to_string());
        match random.below(20) {
            0..8 => Get,
            8..13 => Set { value, when: Always },
            13 => Set { value, when: Absent },
            14 => Set { value, when: Present },
            15..18 => CompareAndSet { expected: self.value.clone(), value },
            _ => Delete,
        }
    }

    fn run(&mut self, command: &register::Command) -> register::Answer {
        use register::Answer::{Done, Value};
        use register::Command::{CompareAndSet, Delete, Get, Set};
        use register::When::{Absent, Always, Present};
        let set_if = |register: &mut Self, done, value: &Text| {
            if done {
                register.value = Some(value.clone());
            }
            Done(done)
        };
        match command {
            Get => Value(self.value.clone()),
            Set { value, when: Always } => set_if(self, true, value),
            Set { value, when: Absent } => set_if(self, self.value.is_none(), value),
            Set { value, when: Present } => set_if(self, self.value.is_some(), value),
            CompareAndSet { expected, value } => set_if(self, self.value == *expected, value),
            Delete => Done(self.value.take().is_some()),
        }
    }
}

#[derive(Default)]
struct Counter(i64);

impl Sequential<counter::Counter> for Counter {
    fn draw(&mut self, random: &mut Random) -> counter::Command {
        match random.below(5) {
            0 => counter::Command::Get,
            1 => counter::Command::Add { by: 5 },
            _ => counter::Command::Add { by: 1 },
        }
    }

    fn run(&mut self, command: &counter::Command) -> i64 {
        if let counter::Command::Add { by } = command {
            self.0 += by;
        }
        self.0
    }
}

#[derive(Default)]
struct Feed {
    entries: Vec<(u64, Text)>,
    last: u64,
    drawn: u64,
    removes: bool,
}

impl Sequential<feed::Feed> for Feed {
    fn draw(&mut self, random: &mut Random) -> feed::Command {
        use feed::Command::{Add, All, Get, Head, Len, Remove};
        self.drawn += 1;
        match random.below(20) {
            0 => Get { eid: random.below(self.last + 2) },
            1 => All { from: None, limit: Some(20) },
            2 => All { from: Some(random.below(self.last + 2)), limit: Some(random.below(20)) },
            3 => Head,
            4 => Len,
            5 if self.removes => Remove { eid: random.below(self.last + 1) },
            _ => Add { value: self.drawn.to_string().into() },
        }
    }

    fn run(&mut self, command: &feed::Command) -> feed::Answer {
        use feed::Answer::{Done, Entries, Number, Value};
        use feed::Command::{Add, All, Get, Head, Len, Remove};
        let newest = self.entries.iter().rev().cloned();
        match command {
            Add { value } => {
                self.last += 1;
                self.entries.push((self.last, value.clone()));
                Number(self.last)
            }
            Get { eid } => Value(newest.clone().find(|entry| entry.0 == *eid).map(|entry| entry.1)),
            All { from, limit } => {
                let older = newest.skip_while(|entry| from.is_some_and(|from| entry.0 > from));
                Entries(older.take(limit.map_or(usize::MAX, |limit| limit as usize)).collect())
            }
            Head => Entries(newest.take(1).collect()),
            Len => Number(self.entries.len() as u64),
            Remove { eid } => {
                let before = self.entries.len();
                self.entries.retain(|entry| entry.0 != *eid);
                Done(self.entries.len() < before)
            }
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    (1_u64..9, 1_usize..80, 0_u64..40).prop_map(|(clients, operations, lost_percent)| Shape {
        clients,
        operations,
        lost_percent,
    })
}

/// After all others.
const END: u64 = 1_000_000;

/// An acknowledged operation for which `wanted`, if there is one.
fn pick<C, A>(
    random: &mut Random,
    history: &[Operation<C, A>],
    wanted: impl Fn(&Operation<C, A>) -> bool,
) -> Option<usize> {
    let all: Vec<usize> = (0..history.len()).filter(|at| wanted(&history[*at])).collect();
    (!all.is_empty()).then(|| all[random.below(all.len() as u64) as usize])
}

fn whole() -> feed::Command {
    feed::Command::All { from: None, limit: None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn registers_that_are_right_pass(seed: u64, shape in shape()) {
        holds::<register::Register>(&history(&mut Random(seed), shape, &mut Register::default()));
    }

    #[test]
    fn counters_that_are_right_pass(seed: u64, shape in shape()) {
        let history = history(&mut Random(seed), shape, &mut Counter::default());
        holds::<counter::Counter>(&history);
        kvs_check::session::counter(&history).unwrap();
    }

    #[test]
    fn feeds_that_are_right_pass(seed: u64, shape in shape(), removes: bool) {
        let mut feed = Feed { removes, ..Feed::default() };
        let history = history(&mut Random(seed), shape, &mut feed);
        holds::<feed::Feed>(&history);
        kvs_check::session::feed(&history).unwrap();
    }

    /// A value that was read, and was then overwritten or deleted for all, is read again at the end.
    #[test]
    fn a_stale_read_of_a_register_fails(seed: u64, shape in shape()) {
        let mut register = Register::default();
        let mut history = history(&mut Random(seed), shape, &mut register);
        let set = |value: &str| register::Command::Set {
            value: value.into(),
            when: register::When::Always,
        };
        history.push(ok(98, END, END + 1, set("old"), register::Answer::Done(true)));
        history.push(ok(98, END + 2, END + 3, set("new"), register::Answer::Done(true)));
        let stale = register::Answer::Value(Some("old".into()));
        history.push(ok(99, END + 4, END + 5, register::Command::Get, stale));
        fails::<register::Register>(&history);
    }

    /// Every sum but one is there.
    #[test]
    fn a_lost_sum_fails(seed: u64, shape in shape()) {
        let mut counter = Counter::default();
        let mut history = history(&mut Random(seed), shape, &mut counter);
        // More than all the unknown ones together.
        let by = 1_000_000;
        history.push(ok(99, END, END + 1, counter::Command::Add { by }, counter.0 + by));
        history.push(ok(99, END + 2, END + 3, counter::Command::Get, counter.0));
        fails::<counter::Counter>(&history);
    }

    #[test]
    fn a_feed_without_one_of_its_entries_fails(seed: u64, shape in shape()) {
        let mut random = Random(seed);
        let mut feed = Feed::default();
        let mut history = history(&mut random, shape, &mut feed);
        let mut entries: Vec<_> = feed.entries.iter().rev().cloned().collect();
        prop_assume!(!entries.is_empty());
        let lost = entries.remove(random.below(entries.len() as u64) as usize).0;
        // If it was the newest, it has to have been acknowledged or seen.
        let told = history.iter().any(|operation| match operation.answer() {
            Some(feed::Answer::Number(eid)) => *eid == lost,
            Some(feed::Answer::Entries(entries)) => entries.iter().any(|entry| entry.0 == lost),
            _ => false,
        });
        prop_assume!(told || lost < feed.last);
        history.push(ok(99, END, END + 1, whole(), feed::Answer::Entries(entries)));
        fails::<feed::Feed>(&history);
    }

    #[test]
    fn a_number_given_twice_fails(seed: u64, shape in shape()) {
        let mut random = Random(seed);
        let mut history = history(&mut random, shape, &mut Feed::default());
        let is_add = |operation: &Operation<feed::Command, feed::Answer>| {
            matches!(operation.command, feed::Command::Add { .. }) && operation.answer().is_some()
        };
        let (first, second) = (pick(&mut random, &history, is_add), pick(&mut random, &history, is_add));
        let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
        prop_assume!(first != second);
        history[second].outcome = history[first].outcome.clone();
        fails::<feed::Feed>(&history);
        prop_assert!(kvs_check::session::feed(&history).is_err());
    }

    #[test]
    fn a_stale_read_of_a_feed_fails(seed: u64, shape in shape()) {
        let mut feed = Feed::default();
        let mut history = history(&mut Random(seed), shape, &mut feed);
        let stale: Vec<_> = feed.entries.iter().rev().cloned().collect();
        let add = feed::Command::Add { value: "new".into() };
        history.push(ok(99, END, END + 1, add, feed::Answer::Number(feed.last + 1)));
        history.push(ok(99, END + 2, END + 3, whole(), feed::Answer::Entries(stale)));
        fails::<feed::Feed>(&history);
        prop_assert!(kvs_check::session::feed(&history).is_err());
    }
}

const LARGE: Shape = Shape { clients: 8, operations: 4_000, lost_percent: 12 };

/// What is wrong and large may stay undecided, within bounds.
fn not_held<M: Model + Default>(history: &[Operation<M::Command, M::Answer>]) {
    let limits = Limits { steps_max: 300_000, ..Limits::default() };
    let verdict = linearizable(M::default(), history, limits);
    assert!(!verdict.holds());
}

#[test]
fn thousands_of_operations_are_decided() {
    for seed in 0..3 {
        let mut random = Random(seed);
        let mut register = Register::default();
        let shape = Shape { lost_percent: 3, ..LARGE };
        let mut history = history(&mut random, shape, &mut register);
        holds::<register::Register>(&history);
        let set = register::Command::Set { value: "x".into(), when: register::When::Always };
        history.push(ok(98, END, END + 1, set, register::Answer::Done(true)));
        history.push(ok(
            98,
            END + 2,
            END + 3,
            register::Command::Get,
            register::Answer::Value(Some("never set".into())),
        ));
        not_held::<register::Register>(&history);
    }
}

#[test]
fn thousands_of_sums_are_decided() {
    for seed in 0..3 {
        let mut counter = Counter::default();
        let mut history = history(&mut Random(seed), LARGE, &mut counter);
        holds::<counter::Counter>(&history);
        history.push(ok(99, END, END + 1, counter::Command::Get, 1_000_000));
        not_held::<counter::Counter>(&history);
    }
}

#[test]
fn thousands_of_entries_are_decided() {
    for seed in 0..3 {
        let mut feed = Feed { ..Feed::default() };
        let mut history = history(&mut Random(seed), LARGE, &mut feed);
        let mut entries: Vec<_> = feed.entries.iter().rev().cloned().collect();
        history.push(ok(99, END, END + 1, whole(), feed::Answer::Entries(entries.clone())));
        holds::<feed::Feed>(&history);
        entries.remove(entries.len() / 2);
        history.push(ok(99, END + 2, END + 3, whole(), feed::Answer::Entries(entries)));
        not_held::<feed::Feed>(&history);
    }
}
