//! The checks against histories that are right and histories that are wrong.

#![cfg(test)]

mod counters;
mod feeds;
mod generate;
mod many;
mod records;
mod registers;
mod sessions;

use std::fmt::Debug;

use kvs_check::history::{Operation, Outcome};
use kvs_check::model::Model;
use kvs_check::{Limits, Verdict, linearizable};

/// An answered operation.
fn ok<C, A>(client: u64, invoked: u64, returned: u64, command: C, answer: A) -> Operation<C, A> {
    Operation { client, invoked, returned: Some(returned), command, outcome: Outcome::Ok(answer) }
}

/// An operation of unknown outcome.
fn unknown<C, A>(client: u64, invoked: u64, command: C) -> Operation<C, A> {
    Operation { client, invoked, returned: None, command, outcome: Outcome::Unknown }
}

/// An operation that had no effect.
fn not_applied<C, A>(client: u64, invoked: u64, returned: u64, command: C) -> Operation<C, A> {
    let outcome = Outcome::NotApplied;
    Operation { client, invoked, returned: Some(returned), command, outcome }
}

fn verdict<M: Model + Default>(history: &[Operation<M::Command, M::Answer>]) -> Verdict {
    linearizable(M::default(), history, Limits::default())
}

#[track_caller]
fn holds<M: Model + Default>(history: &[Operation<M::Command, M::Answer>]) {
    let verdict = verdict::<M>(history);
    assert!(verdict.holds(), "{}", told(&verdict, history));
}

#[track_caller]
fn fails<M: Model + Default>(history: &[Operation<M::Command, M::Answer>]) {
    let verdict = verdict::<M>(history);
    assert!(verdict.is_violated(), "{}", told(&verdict, history));
}

/// Where a search got stuck.
fn told<C: Debug, A: Debug>(verdict: &Verdict, history: &[Operation<C, A>]) -> String {
    match verdict {
        Verdict::Violated(stuck) | Verdict::Undecided { best: stuck, .. } => {
            let next: Vec<_> = stuck.next.iter().map(|at| &history[*at]).collect();
            let placed = stuck.placed.len();
            format!("{placed} of {} are placed, {}, next {next:#?}", history.len(), stuck.state)
        }
        _ => "it holds".into(),
    }
}
