//! A feed: numbered entries, newest first.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Model;
use crate::text::Text;

/// The model of a feed, empty at first.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// What answers tell of the entries. A number is never used twice, so each tells it for all time.
    told: HashMap<u64, Text>,
    /// The values among them.
    named: BTreeSet<Text>,
    /// Stands for all other values; none of the named.
    other: String,
}

/// How many entries a state shows of itself.
const SHOWN_MAX: usize = 10;

/// What a feed can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Adds an entry as the newest; answered with its number as [`Answer::Number`].
    Add {
        /// The entry.
        value: Text,
    },
    /// The entry of this number; answered with [`Answer::Value`].
    Get {
        /// Its number.
        eid: u64,
    },
    /// Entries, newest first; answered with [`Answer::Entries`].
    All {
        /// Begins with the newest of those with this number and lower ones.
        #[serde(default)]
        from: Option<u64>,
        /// No more than this many.
        #[serde(default)]
        limit: Option<u64>,
    },
    /// The newest entry; answered with [`Answer::Entries`], one or none.
    Head,
    /// How many entries there are; answered with [`Answer::Number`].
    Len,
    /// Removes an entry; answered with [`Answer::Done`]: whether it was there.
    Remove {
        /// Its number.
        eid: u64,
    },
}

/// What a feed answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A number.
    Number(u64),
    /// An entry's value, if it is there.
    Value(Option<Text>),
    /// Entries with their numbers.
    Entries(Vec<(u64, Text)>),
    /// Whether the command did anything.
    Done(bool),
}

/// A feed's entries. States share what they have in common, so one more costs little.
#[derive(Clone)]
pub struct State {
    newest: Link,
    removed: Arc<BTreeSet<u64>>,
}

type Link = Option<Arc<Entry>>;

struct Entry {
    eid: u64,
    value: Text,
    /// Of this entry and all older ones.
    digest: u64,
    older: Link,
}

impl Drop for Entry {
    /// One after the other: entries in entries would take a stack as deep as the feed is long.
    fn drop(&mut self) {
        let mut older = self.older.take();
        while let Some(mut entry) = older.and_then(Arc::into_inner) {
            older = entry.older.take();
        }
    }
}

impl State {
    fn last(&self) -> u64 {
        self.newest.as_ref().map_or(0, |entry| entry.eid)
    }

    /// All entries ever added, newest first.
    fn added(&self) -> impl Iterator<Item = &Entry> {
        std::iter::successors(self.newest.as_deref(), |entry| entry.older.as_deref())
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.added().filter(|entry| !self.removed.contains(&entry.eid))
    }

    fn get(&self, eid: u64) -> Option<&Entry> {
        self.entries().take_while(|entry| entry.eid >= eid).find(|entry| entry.eid == eid)
    }

    fn len(&self) -> u64 {
        self.last() - self.removed.len() as u64
    }

    fn add(&self, value: &Text) -> Self {
        let eid = self.last() + 1;
        let mut digest = std::hash::DefaultHasher::new();
        self.newest.as_ref().map(|newest| newest.digest).hash(&mut digest);
        value.hash(&mut digest);
        let newest = Entry {
            eid,
            value: value.clone(),
            digest: digest.finish(),
            older: self.newest.clone(),
        };
        Self { newest: Some(Arc::new(newest)), removed: self.removed.clone() }
    }

    fn remove(&self, eid: u64) -> Self {
        let mut after = self.clone();
        Arc::make_mut(&mut after.removed).insert(eid);
        after
    }
}

impl fmt::Debug for State {
    /// The newest entries: a feed may be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = self.entries().take(SHOWN_MAX).map(|entry| (entry.eid, &entry.value));
        write!(f, "{} entries of {}, the newest ", self.len(), self.last())?;
        f.debug_list().entries(newest).finish()
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        if self.last() != other.last() || self.removed != other.removed {
            return false;
        }
        for (mine, others) in self.added().zip(other.added()) {
            if std::ptr::eq(mine, others) {
                return true;
            }
            if mine.digest != others.digest || mine.value != others.value {
                return false;
            }
        }
        true
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.newest.as_ref().map(|newest| newest.digest).hash(hasher);
        self.removed.len().hash(hasher);
    }
}

impl Feed {
    fn tell(&mut self, eid: u64, value: &Text) {
        self.told.entry(eid).or_insert_with(|| value.clone());
        self.named.insert(value.clone());
        while self.named.contains(self.other.as_str()) {
            self.other.push('\0');
        }
    }

    /// What one of the entries tells must not be contradicted by the value added under its number.
    fn fits(&self, eid: u64, value: &Text) -> bool {
        self.told.get(&eid).is_none_or(|told| told == value)
    }
}

/// Whether an entry with this number would be in the page if it were there, and isn't.
fn may_be_missing(page: &[(u64, Text)], from: Option<u64>, limit: Option<u64>, eid: u64) -> bool {
    let is_full = limit.is_some_and(|limit| page.len() as u64 >= limit);
    let last = page.last().filter(|_| is_full).map_or(0, |(last, _)| *last);
    let is_asked_for = from.is_none_or(|from| eid <= from) && limit != Some(0);
    is_asked_for && eid > last && page.iter().all(|(other, _)| *other != eid)
}

impl Model for Feed {
    type State = State;
    type Command = Command;
    type Answer = Answer;

    fn initial(&self) -> State {
        State { newest: None, removed: Arc::default() }
    }

    fn step(&self, state: &State, command: &Command, answer: Option<&Answer>) -> Option<State> {
        let unchanged = |fits: bool| fits.then(|| state.clone());
        match (command, answer) {
            (Command::Add { value }, answer) => {
                let eid = state.last() + 1;
                let fits = answer.is_none_or(|answer| *answer == Answer::Number(eid));
                (fits && self.fits(eid, value)).then(|| state.add(value))
            }
            (Command::Remove { eid }, answer) => {
                let done = state.get(*eid).is_some();
                let fits = answer.is_none_or(|answer| *answer == Answer::Done(done));
                fits.then(|| if done { state.remove(*eid) } else { state.clone() })
            }
            (_, None) => unchanged(true),
            (Command::Get { eid }, Some(Answer::Value(value))) => {
                unchanged(state.get(*eid).map(|entry| &entry.value) == value.as_ref())
            }
            (Command::All { from, limit }, Some(Answer::Entries(answered))) => {
                let limit = limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
                let entries = state.entries().skip_while(|e| from.is_some_and(|from| e.eid > from));
                let entries = entries.take(limit).map(|entry| (entry.eid, &entry.value));
                unchanged(entries.eq(answered.iter().map(|(eid, value)| (*eid, value))))
            }
            (Command::Head, Some(Answer::Entries(answered))) => {
                let head = state.entries().take(1).map(|entry| (entry.eid, &entry.value));
                unchanged(head.eq(answered.iter().map(|(eid, value)| (*eid, value))))
            }
            (Command::Len, Some(Answer::Number(answered))) => unchanged(state.len() == *answered),
            (_, Some(_)) => None,
        }
    }

    fn is_read(&self, command: &Command, answer: &Answer) -> bool {
        match command {
            Command::Add { .. } => false,
            Command::Remove { .. } => *answer == Answer::Done(false),
            Command::Get { .. } | Command::All { .. } | Command::Head | Command::Len => true,
        }
    }

    /// A removal serves only what no longer finds the entry.
    fn may_serve(&self, first: &Command, next: &Command, answer: Option<&Answer>) -> bool {
        let Command::Remove { eid: removed } = first else { return true };
        match (next, answer) {
            (Command::Len, Some(_)) => true,
            (Command::Get { eid }, Some(Answer::Value(value))) => eid == removed && value.is_none(),
            (Command::Remove { eid }, Some(answer)) => {
                eid == removed && *answer == Answer::Done(false)
            }
            (Command::All { from, limit }, Some(Answer::Entries(page))) => {
                may_be_missing(page, *from, *limit, *removed)
            }
            (Command::Head, Some(Answer::Entries(page))) => {
                may_be_missing(page, None, Some(1), *removed)
            }
            _ => false,
        }
    }

    fn learn(&mut self, command: &Command, answer: Option<&Answer>) {
        match (command, answer) {
            (Command::Add { value }, Some(Answer::Number(eid))) => self.tell(*eid, value),
            (Command::Get { eid }, Some(Answer::Value(Some(value)))) => self.tell(*eid, value),
            (_, Some(Answer::Entries(entries))) => {
                entries.iter().for_each(|(eid, value)| self.tell(*eid, value));
            }
            _ => {}
        }
    }

    fn canonical(&self, command: &Command) -> Command {
        match command {
            Command::Add { value } if !self.named.contains(value) => {
                Command::Add { value: self.other.as_str().into() }
            }
            _ => command.clone(),
        }
    }
}
