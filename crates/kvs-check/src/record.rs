//! Histories of many entities, as lines of JSON.
//!
//! A recorder writes a line for each operation once it has ended (or the recorder does), in any order:
//!
//! ```text
//! {"entity":"cup","client":1,"invoked":12,"returned":40,"call":{"feed":{"command":{"add":{"value":"a"}},"outcome":{"ok":{"number":1}}}}}
//! {"entity":"cup","client":2,"invoked":15,"call":{"feed":{"command":{"add":{"value":"b"}},"outcome":"unknown"}}}
//! {"entity":"n","client":2,"invoked":50,"returned":61,"call":{"counter":{"command":{"add":{"by":1}},"outcome":{"ok":1}}}}
//! {"entity":"r","client":1,"invoked":70,"returned":72,"call":{"register":{"command":{"set":{"value":"x","when":"absent"}},"outcome":{"ok":{"done":true}}}}}
//! ```
//!
//! All operations of an entity have to be of one model. Fields and names that aren't known are errors.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::history::{Operation, Outcome};
use crate::model::{Model, counter, feed, register};
use crate::search::{Limits, linearizable};
use crate::verdict::{Report, Stuck, Verdict};

/// The longest line that is read.
pub const LINE_BYTES_MAX: u64 = 64 << 20;

/// How many of the last placed operations a report shows.
const SHOWN_MAX: usize = 10;

/// One call of one client to one entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The entity.
    pub entity: String,
    /// Who called; see [`Operation::client`].
    pub client: u64,
    /// When; see [`Operation::invoked`].
    pub invoked: u64,
    /// When the answer came; see [`Operation::returned`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<u64>,
    /// What was asked for, and how it ended.
    pub call: Call,
}

/// A command and how it ended, by model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Of a register.
    Register(Exchange<register::Command, register::Answer>),
    /// Of a counter.
    Counter(Exchange<counter::Command, counter::Answer>),
    /// Of a feed.
    Feed(Exchange<feed::Command, feed::Answer>),
}

/// A command and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange<C, A> {
    /// What was asked for.
    pub command: C,
    /// How it ended.
    pub outcome: Outcome<A>,
}

/// Why a history can't be read or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The source failed.
    #[error("the history can't be read at line {line}")]
    Io {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
    /// A line is longer than [`LINE_BYTES_MAX`].
    #[error("line {line} of the history is longer than {LINE_BYTES_MAX} bytes")]
    TooLong {
        /// The line, from 1.
        line: usize,
    },
    /// A line is no record.
    #[error("line {line} of the history is no operation")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// An operation was answered before it was invoked, or answered at no time.
    #[error("line {line} of the history: an answered operation has to return after it was invoked")]
    Times {
        /// The line, from 1.
        line: usize,
    },
    /// Operations of one entity are of two models.
    #[error("the operations of {entity:?} are of more than one model")]
    Mixed {
        /// The entity.
        entity: String,
    },
}

/// Reads a history. Empty lines are skipped.
pub fn read(mut source: impl BufRead) -> Result<Vec<Record>, RecordError> {
    let mut records = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut limited = source.by_ref().take(LINE_BYTES_MAX + 1);
        let read = limited.read_until(b'\n', &mut bytes);
        if read.map_err(|source| RecordError::Io { line, source })? == 0 {
            break;
        }
        if bytes.len() as u64 > LINE_BYTES_MAX {
            return Err(RecordError::TooLong { line });
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|source| RecordError::Malformed { line, source })?;
        if record.call.is_answered() && record.returned.is_none_or(|at| at < record.invoked) {
            return Err(RecordError::Times { line });
        }
        records.push(record);
    }
    Ok(records)
}

/// Writes one operation as one line.
pub fn write(record: &Record, mut to: impl Write) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Checks each entity of a history for linearizability, in the order of their names.
pub fn check(records: &[Record], limits: Limits) -> Result<Vec<Report>, RecordError> {
    let mut entities: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        entities.entry(&record.entity).or_default().push(record);
    }
    let reports = entities.into_iter().map(|(entity, records)| {
        let mixed = || RecordError::Mixed { entity: entity.into() };
        match records.first().map(|record| &record.call) {
            Some(Call::Counter(_)) => {
                let history = operations(&records, Record::counter).ok_or_else(mixed)?;
                Ok(report(entity, counter::Counter::default(), &history, limits))
            }
            Some(Call::Feed(_)) => {
                let history = operations(&records, Record::feed).ok_or_else(mixed)?;
                Ok(report(entity, feed::Feed::default(), &history, limits))
            }
            Some(Call::Register(_)) | None => {
                let history = operations(&records, Record::register).ok_or_else(mixed)?;
                Ok(report(entity, register::Register::default(), &history, limits))
            }
        }
    });
    reports.collect()
}

fn operations<T>(records: &[&Record], to: impl Fn(&Record) -> Option<T>) -> Option<Vec<T>> {
    records.iter().map(|record| to(record)).collect()
}

impl Call {
    fn is_answered(&self) -> bool {
        match self {
            Self::Register(exchange) => matches!(exchange.outcome, Outcome::Ok(_)),
            Self::Counter(exchange) => matches!(exchange.outcome, Outcome::Ok(_)),
            Self::Feed(exchange) => matches!(exchange.outcome, Outcome::Ok(_)),
        }
    }
}

impl Record {
    /// The operation, if it is of a register.
    #[must_use]
    pub fn register(&self) -> Option<Operation<register::Command, register::Answer>> {
        match &self.call {
            Call::Register(exchange) => Some(self.operation(exchange)),
            _ => None,
        }
    }

    /// The operation, if it is of a counter.
    #[must_use]
    pub fn counter(&self) -> Option<Operation<counter::Command, counter::Answer>> {
        match &self.call {
            Call::Counter(exchange) => Some(self.operation(exchange)),
            _ => None,
        }
    }

    /// The operation, if it is of a feed.
    #[must_use]
    pub fn feed(&self) -> Option<Operation<feed::Command, feed::Answer>> {
        match &self.call {
            Call::Feed(exchange) => Some(self.operation(exchange)),
            _ => None,
        }
    }

    fn operation<C: Clone, A: Clone>(&self, exchange: &Exchange<C, A>) -> Operation<C, A> {
        Operation {
            client: self.client,
            invoked: self.invoked,
            returned: self.returned,
            command: exchange.command.clone(),
            outcome: exchange.outcome.clone(),
        }
    }
}

fn report<M: Model>(
    entity: &str,
    model: M,
    history: &[Operation<M::Command, M::Answer>],
    limits: Limits,
) -> Report {
    let verdict = linearizable(model, history, limits);
    let lines = match &verdict {
        Verdict::Holds { .. } => Vec::new(),
        Verdict::Violated(stuck) | Verdict::Undecided { best: stuck, .. } => told(stuck, history),
    };
    Report { entity: entity.into(), operations: history.len(), verdict, lines }
}

/// The end of the best order, the state after it, and what can't come next.
fn told<C: Debug, A: Debug>(stuck: &Stuck, history: &[Operation<C, A>]) -> Vec<String> {
    let skipped = stuck.placed.len().saturating_sub(SHOWN_MAX);
    let placed = stuck.placed.iter().skip(skipped).filter_map(|at| history.get(*at));
    let next = stuck.next.iter().filter_map(|at| history.get(*at));
    let mut lines = Vec::new();
    if skipped > 0 {
        lines.push(format!("… {skipped} before"));
    }
    lines.extend(placed.map(|operation| format!("placed     {}", line(operation))));
    lines.push(format!("state      {}", stuck.state));
    lines.extend(next.map(|operation| format!("can't come {}", line(operation))));
    lines
}

fn line<C: Debug, A: Debug>(operation: &Operation<C, A>) -> String {
    let Operation { client, invoked, returned, command, outcome } = operation;
    let returned = returned.map_or_else(|| "?".into(), |at| at.to_string());
    format!("client {client} at {invoked}..{returned}: {command:?} -> {outcome:?}")
}
