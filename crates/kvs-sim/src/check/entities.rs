//! Entities: their histories are linearizable, their feeds whole, their commands applied once.

use std::collections::{BTreeMap, BTreeSet};

use kvs_check::history::Outcome;
use kvs_check::model::feed;
use kvs_check::{Limits, Text};
use kvs_core::Key;

use super::Violation;
use crate::entities::{Answer, Call, Command, ENTITIES, Kind};

/// A search that needs more has to be told: the histories are not as they are meant.
const LIMITS: Limits = Limits { steps_max: 5_000_000, nodes_max: 300_000 };

pub(super) fn check(calls: &[Call], nodes: usize) -> Vec<Violation> {
    let mut violations = linearizable(calls);
    violations.extend(applied_once(calls));
    for (feed, _) in ENTITIES.iter().filter(|(_, kind)| *kind == Kind::Feed) {
        let calls: Vec<_> = calls.iter().filter(|call| call.entity == *feed).collect();
        violations.extend(whole(feed, &calls, nodes));
    }
    violations
}

fn violation(check: &'static str, entity: &str, what: String) -> Violation {
    Violation::new(check, Some(&Key::from(entity)), what)
}

/// Each entity's calls have an order that explains all their answers.
fn linearizable(calls: &[Call]) -> Vec<Violation> {
    const CHECK: &str = "entities are linearizable";
    let mut violations = Vec::new();
    let mut records = Vec::new();
    for call in calls {
        match call.record() {
            Some(record) => records.push(record),
            None => {
                violations.push(violation(CHECK, call.entity, format!("no such answer: {call}")))
            }
        }
    }
    match kvs_check::check(&records, LIMITS) {
        Ok(reports) => {
            let wrong = reports.into_iter().filter(|report| !report.verdict.holds());
            violations.extend(wrong.map(|it| violation(CHECK, &it.entity, it.to_string())));
        }
        Err(error) => violations.push(Violation::new(CHECK, None, error.to_string())),
    }
    violations
}

/// However often a command was answered, it was with the same.
fn applied_once(calls: &[Call]) -> Vec<Violation> {
    let answers = |call: &Call| {
        let answers = call.tries.iter().filter_map(|it| match &it.outcome {
            Outcome::Ok(answer) => Some(answer.clone()),
            _ => None,
        });
        answers.collect::<Vec<_>>()
    };
    let differ = |call: &&Call| answers(call).windows(2).any(|two| two.first() != two.last());
    let told = |call: &Call| {
        violation("commands are applied once", call.entity, format!("two answers: {call}"))
    };
    calls.iter().filter(differ).map(told).collect()
}

/// In the end all nodes show the same feed: its entries are numbered 1, 2, 3, …, every acknowledged one
/// is there by its number, none twice, and none that was refused.
fn whole(name: &str, calls: &[&Call], nodes: usize) -> Vec<Violation> {
    let wrong = |what: String| violation("feeds are whole", name, what);
    let shown = shown(calls);
    let Some(feed) = shown.values().next().filter(|_| shown.len() == nodes) else {
        let shown_by: Vec<_> = shown.keys().collect();
        return vec![wrong(format!("only nodes {shown_by:?} show it"))];
    };
    let mut violations = Vec::new();
    for (node, other) in shown.iter().filter(|(_, other)| *other != feed) {
        violations.push(wrong(format!("node {node} shows {other:?}, another one {feed:?}")));
    }
    let numbers = feed.iter().rev().map(|(eid, _)| *eid);
    if !numbers.eq(1..=feed.len() as u64) {
        violations.push(wrong(format!("the numbers have gaps: {feed:?}")));
    }
    let values: BTreeSet<_> = feed.iter().map(|(_, value)| value).collect();
    if values.len() < feed.len() {
        violations.push(wrong(format!("an entry is there twice: {feed:?}")));
    }
    for call in calls {
        let Command::Feed(feed::Command::Add { value }) = &call.command else { continue };
        match call.outcome().0 {
            Outcome::Ok(Answer::Feed(feed::Answer::Number(eid)))
                if !feed.contains(&(*eid, value.clone())) =>
            {
                violations.push(wrong(format!("this entry is not there: {call}")));
            }
            Outcome::NotApplied if values.contains(value) => {
                violations.push(wrong(format!("this entry was refused and is there: {call}")));
            }
            _ => {}
        }
    }
    violations
}

/// The feed as each node showed it last, from the newest entry to the oldest.
fn shown(calls: &[&Call]) -> BTreeMap<usize, Vec<(u64, Text)>> {
    let last = calls.iter().filter_map(|call| call.round).max();
    let mut shown: BTreeMap<usize, Vec<(u64, Text)>> = BTreeMap::new();
    let mut ends = BTreeSet::new();
    for call in calls.iter().filter(|call| call.round.is_some() && call.round == last) {
        let Command::Feed(feed::Command::All { .. }) = call.command else { continue };
        let (Outcome::Ok(Answer::Feed(feed::Answer::Entries(page))), Some(it)) =
            (call.outcome().0, call.tries.first())
        else {
            continue;
        };
        shown.entry(it.node).or_default().extend(page.iter().cloned());
        if page.last().is_none_or(|(eid, _)| *eid == 1) {
            ends.insert(it.node);
        }
    }
    shown.retain(|node, _| ends.contains(node));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Try;

    const FEED: &str = "feed/goals";
    /// Of both nodes that there are.
    const NODES: usize = 2;

    fn tried(node: usize, start: u64, outcome: Outcome<feed::Answer>) -> Try {
        let outcome = match outcome {
            Outcome::Ok(answer) => Outcome::Ok(Answer::Feed(answer)),
            Outcome::NotApplied => Outcome::NotApplied,
            Outcome::Unknown => Outcome::Unknown,
        };
        let (end, error) = (Some(start + 1), None);
        Try { node, client: node as u64, start, start_ms: start, end, outcome, error }
    }

    fn add(value: &str, tries: Vec<Try>) -> Call {
        let command = Command::Feed(feed::Command::Add { value: value.into() });
        Call { entity: FEED, command, id: None, round: None, tries }
    }

    /// Both nodes show the feed, after all else.
    fn shown(feeds: [&[(u64, &str)]; NODES]) -> Vec<Call> {
        let shown = |(node, feed): (usize, &[(u64, &str)])| {
            let entries = feed.iter().map(|(eid, value)| (*eid, Text::from(*value))).collect();
            let command = Command::Feed(feed::Command::All { from: None, limit: Some(16) });
            let tries = vec![tried(
                node,
                1000 + 10 * node as u64,
                Outcome::Ok(feed::Answer::Entries(entries)),
            )];
            Call { entity: FEED, command, id: None, round: Some(1), tries }
        };
        let other = ENTITIES.iter().filter(|(name, kind)| *kind == Kind::Feed && *name != FEED);
        let others = other
            .flat_map(|(name, _)| [0, 1].map(|node| Call { entity: name, ..shown((node, &[])) }));
        feeds.into_iter().enumerate().map(shown).chain(others).collect()
    }

    fn number(eid: u64) -> Outcome<feed::Answer> {
        Outcome::Ok(feed::Answer::Number(eid))
    }

    /// The checks that find something.
    fn found(calls: Vec<Call>, feeds: [&[(u64, &str)]; NODES]) -> Vec<&'static str> {
        let calls: Vec<_> = calls.into_iter().chain(shown(feeds)).collect();
        let found: BTreeSet<_> = check(&calls, NODES).iter().map(|it| it.check).collect();
        found.into_iter().collect()
    }

    const LINEARIZABLE: &str = "entities are linearizable";
    const ONCE: &str = "commands are applied once";
    const WHOLE: &str = "feeds are whole";

    #[test]
    fn what_is_as_promised_passes() {
        let calls = vec![
            add("a", vec![tried(0, 1, number(1))]),
            // Sent twice at once, and again: it has one number.
            add("b", vec![tried(0, 5, Outcome::Unknown), tried(1, 5, number(2))]),
            add("c", vec![tried(0, 9, Outcome::Unknown)]),
            add("d", vec![tried(0, 12, Outcome::NotApplied)]),
            add("e", vec![tried(0, 15, Outcome::NotApplied), tried(1, 20, number(4))]),
        ];
        let feed = [(4, "e"), (3, "c"), (2, "b"), (1, "a")];
        assert_eq!(found(calls.clone(), [&feed, &feed]), [] as [&str; 0]);
    }

    #[test]
    fn what_is_not_is_found() {
        let both = [LINEARIZABLE, WHOLE];
        let a = || add("a", vec![tried(0, 1, number(1))]);
        assert_eq!(found(vec![a()], [&[], &[]]), both, "lost");
        assert_eq!(found(vec![a()], [&[(2, "a")], &[(2, "a")]]), both, "another number");
        let twice = [(2, "a"), (1, "a")];
        assert_eq!(found(vec![a()], [&twice, &twice]), both, "twice");
        assert_eq!(found(vec![a()], [&[(1, "a")], &[]]), both, "not everywhere");
        let refused = add("a", vec![tried(0, 1, Outcome::NotApplied)]);
        assert_eq!(found(vec![refused], [&[(1, "a")], &[(1, "a")]]), both, "refused");
        let b = || add("b", vec![tried(0, 1, number(1)), tried(1, 5, number(2))]);
        let feed = [(1, "b")];
        assert_eq!(found(vec![b()], [&feed, &feed]), [ONCE], "two answers");

        let mut calls = shown([&feed, &feed]);
        calls.retain(|call| call.entity != FEED || call.tries[0].node == 0);
        calls.push(add("b", vec![tried(0, 1, number(1))]));
        let found = check(&calls, NODES);
        assert!(found.iter().all(|it| it.check == WHOLE) && found.len() == 1, "{found:?}");
    }

    /// What a try left unknown no later refusal takes back.
    #[test]
    fn a_refusal_after_an_unknown_try_proves_nothing() {
        let tries = vec![tried(0, 1, Outcome::Unknown), tried(1, 9, Outcome::NotApplied)];
        assert_eq!(add("a", tries.clone()).outcome(), (Outcome::Unknown, None));
        assert_eq!(found(vec![add("a", tries)], [&[(1, "a")], &[(1, "a")]]), [] as [&str; 0]);
    }
}
