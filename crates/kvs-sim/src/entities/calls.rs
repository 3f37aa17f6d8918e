//! What clients asked of entities, and what they were told.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvs_check::history::Outcome;
use kvs_check::model::{counter, feed, register};
use kvs_check::record::{self, Exchange, Record};
use kvs_core::CommandId;

use crate::history::{Event, History};

/// What an entity is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Of a feed.
    Feed(feed::Command),
    /// Of a counter.
    Counter(counter::Command),
    /// Of a register.
    Register(register::Command),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A feed.
    Feed(feed::Answer),
    /// A counter.
    Counter(counter::Answer),
    /// A register.
    Register(register::Answer),
}

/// One command, tried once or more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The entity.
    pub entity: &'static str,
    /// What it was asked for.
    pub command: Command,
    /// The command's id, if it has one.
    pub id: Option<CommandId>,
    /// In which round of reading it was called, if it was after all faults had ended.
    pub round: Option<u64>,
    /// Each time that it was sent, in the order in which they began.
    pub tries: Vec<Try>,
}

/// A command was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The node that it went through.
    pub node: usize,
    /// The client.
    pub client: u64,
    /// When it was sent.
    pub start: Event,
    /// When it was sent, in milliseconds since the simulation began.
    pub start_ms: u64,
    /// When it ended, if it did.
    pub end: Option<Event>,
    /// What came of it; unknown until it ended.
    pub outcome: Outcome<Answer>,
    /// What the error said.
    pub error: Option<String>,
}

impl Call {
    /// Whether no try was answered.
    pub fn is_open(&self) -> bool {
        !self.tries.iter().any(|it| matches!(it.outcome, Outcome::Ok(_)))
    }

    /// What came of it, and when that was known. What one try left unknown a later refusal can't take
    /// back.
    pub fn outcome(&self) -> (Outcome<&Answer>, Option<Event>) {
        let answered = self.tries.iter().filter_map(|it| match &it.outcome {
            Outcome::Ok(answer) => Some((answer, it.end?)),
            _ => None,
        });
        match answered.min_by_key(|(_, end)| *end) {
            Some((answer, end)) => (Outcome::Ok(answer), Some(end)),
            None if self.tries.iter().all(|it| it.outcome == Outcome::NotApplied) => {
                (Outcome::NotApplied, None)
            }
            None => (Outcome::Unknown, None),
        }
    }

    /// As the checks of linearizability have it; `None` if the answer is one to another kind of command.
    pub fn record(&self) -> Option<Record> {
        let first = self.tries.first()?;
        let (outcome, returned) = self.outcome();
        let call = match &self.command {
            Command::Feed(command) => record::Call::Feed(Exchange {
                command: command.clone(),
                outcome: told(outcome, |answer| match answer {
                    Answer::Feed(answer) => Some(answer.clone()),
                    _ => None,
                })?,
            }),
            Command::Counter(command) => record::Call::Counter(Exchange {
                command: *command,
                outcome: told(outcome, |answer| match answer {
                    Answer::Counter(answer) => Some(*answer),
                    _ => None,
                })?,
            }),
            Command::Register(command) => record::Call::Register(Exchange {
                command: command.clone(),
                outcome: told(outcome, |answer| match answer {
                    Answer::Register(answer) => Some(answer.clone()),
                    _ => None,
                })?,
            }),
        };
        let (entity, client, invoked) = (self.entity.to_owned(), first.client, first.start);
        Some(Record { entity, client, invoked, returned, call })
    }
}

fn told<A>(
    outcome: Outcome<&Answer>,
    read: impl FnOnce(&Answer) -> Option<A>,
) -> Option<Outcome<A>> {
    Some(match outcome {
        Outcome::Ok(answer) => Outcome::Ok(read(answer)?),
        Outcome::NotApplied => Outcome::NotApplied,
        Outcome::Unknown => Outcome::Unknown,
    })
}

/// All calls, in the order in which they began. Clones are handles of the same.
#[derive(Clone, Debug)]
pub struct Calls {
    history: History,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Calls {
    /// None yet; `history` tells what happens when.
    pub fn new(history: History) -> Self {
        Self { history, calls: Arc::default() }
    }

    /// A call begins; gives its place.
    pub(crate) fn begin(&self, call: Call) -> usize {
        let mut calls = self.lock();
        calls.push(call);
        calls.len() - 1
    }

    /// The call at `place` is sent; gives which of its tries this is.
    pub(crate) fn sent(&self, place: usize, node: usize, client: u64, start_ms: u64) -> usize {
        let mut calls = self.lock();
        let Some(call) = calls.get_mut(place) else { return 0 };
        let (start, end, error) = (self.history.event(), None, None);
        let outcome = Outcome::Unknown;
        call.tries.push(Try { node, client, start, start_ms, end, outcome, error });
        call.tries.len() - 1
    }

    /// A try of the call at `place` ends.
    pub(crate) fn ended(
        &self,
        place: usize,
        number: usize,
        outcome: Outcome<Answer>,
        error: Option<String>,
    ) {
        let mut calls = self.lock();
        let found = calls.get_mut(place).and_then(|call| call.tries.get_mut(number));
        let Some(found) = found else { return };
        (found.end, found.outcome, found.error) = (Some(self.history.event()), outcome, error);
    }

    /// All calls.
    pub fn all(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// The call at `place`.
    pub(crate) fn get(&self, place: usize) -> Option<Call> {
        self.lock().get(place).cloned()
    }

    /// The places of those that `is_meant` picks.
    pub(crate) fn places(&self, is_meant: impl Fn(&Call) -> bool) -> Vec<usize> {
        let calls = self.lock();
        let picked = calls.iter().enumerate().filter(|(_, call)| is_meant(call));
        picked.map(|(place, _)| place).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.map_or(String::new(), |id| format!(" (id {id})"));
        for (number, it) in self.tries.iter().enumerate() {
            let Try { node, client, start, start_ms, end, outcome, error } = it;
            let end = end.map_or("never".to_owned(), |end| end.to_string());
            let again = if number > 0 { ", again" } else { "" };
            let error = error.as_ref().map_or(String::new(), |error| format!("  ({error})"));
            if number > 0 {
                write!(f, "\n  ")?;
            }
            write!(
                f,
                "{start_ms:>7} ms  [{start}..{end}]  node {node} client {client}: {} {:?}{id}{again} \
                 -> {outcome:?}{error}",
                self.entity, self.command
            )?;
        }
        Ok(())
    }
}
