//! What the clients did, and what they were told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kvs_core::{DbaError, Key};

/// Names a value that was written: no two writes have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u64);

/// A moment. Events of a simulation are counted, so of any two one is earlier.
pub type Event = u64;

/// The value of an id.
pub fn value_of(id: Id) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// The id of a value.
pub fn id_of(value: &[u8]) -> Option<Id> {
    Some(Id(u64::from_be_bytes(value.try_into().ok()?)))
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set rows of one partition to values or delete them, all or none; a single row for a plain put
    /// or delete.
    Write(BTreeMap<Key, Option<Id>>),
    /// Read rows: one of them, or all of a partition.
    Read,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody knows: it never ended, or ended with *unknown*.
    Unknown,
    /// A write was acknowledged.
    Done,
    /// It failed, and nothing changed.
    NotApplied,
    /// A read found this; rows that are not there have no id.
    Found(BTreeMap<Key, Option<Id>>),
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The node it went through.
    pub node: usize,
    /// The client.
    pub client: u64,
    /// What it asked for.
    pub action: Action,
    /// When it began.
    pub start: Event,
    /// When it began, in milliseconds since the simulation did.
    pub start_ms: u64,
    /// When it ended, if it did.
    pub end: Option<Event>,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether it was made after all faults had ended.
    pub is_last: bool,
    /// What the error said.
    pub error: Option<String>,
}

/// All operations, in the order in which they began. Clones are handles of the same.
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Arc<AtomicU64>,
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl History {
    /// A new moment, after all before it.
    pub fn event(&self) -> Event {
        self.events.fetch_add(1, Ordering::SeqCst)
    }

    /// An operation begins; gives its place.
    pub fn begin(&self, node: usize, client: u64, action: Action, ms: u64, is_last: bool) -> usize {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations.push(Operation {
            node,
            client,
            action,
            start: self.event(),
            start_ms: ms,
            end: None,
            outcome: Outcome::Unknown,
            is_last,
            error: None,
        });
        operations.len() - 1
    }

    /// The operation at `place` ends.
    pub fn end(&self, place: usize, result: Result<Outcome, DbaError>) {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(operation) = operations.get_mut(place) else { return };
        operation.end = Some(self.event());
        match result {
            Ok(outcome) => operation.outcome = outcome,
            Err(error) => {
                operation.error = Some(error.to_string());
                if error.outcome() == kvs_core::Outcome::NotApplied {
                    operation.outcome = Outcome::NotApplied;
                }
            }
        }
    }

    /// All operations.
    pub fn operations(&self) -> Vec<Operation> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Operation {
    /// Whether it wrote or read `key`.
    pub fn is_about(&self, key: &Key) -> bool {
        match (&self.action, &self.outcome) {
            (Action::Write(rows), _) | (Action::Read, Outcome::Found(rows)) => {
                rows.contains_key(key)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.end.map_or("never".to_owned(), |end| end.to_string());
        write!(
            f,
            "{:>7} ms  [{}..{end}]  node {} client {}: ",
            self.start_ms, self.start, self.node, self.client
        )?;
        let rows = |f: &mut fmt::Formatter<'_>, rows: &BTreeMap<Key, Option<Id>>| {
            rows.iter().try_for_each(|(key, id)| match id {
                Some(id) => write!(f, " {key}={}", id.0),
                None => write!(f, " {key}=-"),
            })
        };
        match &self.action {
            Action::Write(writes) => {
                write!(f, "write")?;
                rows(f, writes)?;
            }
            Action::Read => write!(f, "read")?,
        }
        match &self.outcome {
            Outcome::Unknown => write!(f, " -> unknown")?,
            Outcome::Done => write!(f, " -> done")?,
            Outcome::NotApplied => write!(f, " -> not applied")?,
            Outcome::Found(found) => {
                write!(f, " ->")?;
                rows(f, found)?;
            }
        }
        self.error.as_ref().map_or(Ok(()), |error| write!(f, "  ({error})"))
    }
}
