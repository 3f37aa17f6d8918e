//! Order within sessions.
//!
//! Who reads at any replica may read old state. What it is promised then is *sequential consistency*
//! (Lamport, *How to Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs*,
//! 1979): all clients see the changes in one order, and none goes back in it; nor does a client miss
//! what it did itself. Here a client is a session.
//!
//! Checking that in general is a search; for feeds it isn't, because each entry carries its place. These
//! checks look at what has to hold of feeds and of counters, in one pass. A history that passes need not
//! be sequentially consistent in every respect; one that fails surely isn't.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Operation, Outcome};
use crate::model::{counter, feed};
use crate::text::Text;

/// How a history of sessions is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// Clients saw two orders: two entries under one number.
    #[error("operation {operation}: entry {eid} is {found:?}, and elsewhere it is {other:?}")]
    TwoOrders {
        /// The operation, as an index into the history.
        operation: usize,
        /// The number.
        eid: u64,
        /// What this operation tells of it.
        found: Text,
        /// What an earlier one in the history told.
        other: Text,
    },
    /// Two commands were answered with one number.
    #[error("operations {first} and {second} both added entry {eid}")]
    TwoAdds {
        /// An operation, as an index into the history.
        first: usize,
        /// Another.
        second: usize,
        /// The number.
        eid: u64,
    },
    /// A value is there more often than it was added.
    #[error("{value:?} is there {found} times and was added {added} times")]
    Doubled {
        /// The value.
        value: Text,
        /// Under how many numbers it was seen.
        found: usize,
        /// How many commands may have added it.
        added: usize,
    },
    /// A client no longer sees what it saw or did, though nobody removed it.
    #[error("operation {operation}: client {client} knew of entry {eid}, and now it is missing")]
    Missing {
        /// The operation, as an index into the history.
        operation: usize,
        /// Whose.
        client: u64,
        /// The entry.
        eid: u64,
    },
    /// A client sees again what it saw removed.
    #[error(
        "operation {operation}: client {client} saw that entry {eid} was gone, and sees it again"
    )]
    BackAgain {
        /// The operation, as an index into the history.
        operation: usize,
        /// Whose.
        client: u64,
        /// The entry.
        eid: u64,
    },
    /// A page isn't in the order of the feed, or not from where it was asked for.
    #[error("operation {operation}: the entries are not newest first from where it was asked")]
    Disordered {
        /// The operation, as an index into the history.
        operation: usize,
    },
    /// A client saw a counter that only grows fall.
    #[error("operation {operation}: client {client} read {before} before, and now {now}")]
    WentBack {
        /// The operation, as an index into the history.
        operation: usize,
        /// Whose.
        client: u64,
        /// What it knew.
        before: i64,
        /// What it read.
        now: i64,
    },
}

/// Checks a feed's history: one order for all, and no client goes back in it.
pub fn feed(history: &[Operation<feed::Command, feed::Answer>]) -> Result<(), Broken> {
    let mut feed = Feed::of(history)?;
    let mut order: Vec<usize> = (0..history.len()).collect();
    order.sort_by_key(|at| history.get(*at).map(|operation| operation.invoked));
    for at in order {
        if let Some(operation) = history.get(at) {
            feed.follow(at, operation)?;
        }
    }
    Ok(())
}

/// Checks a counter's history: if nobody takes away from it, no client sees it fall.
pub fn counter(history: &[Operation<counter::Command, counter::Answer>]) -> Result<(), Broken> {
    let falls = |command: &_| matches!(command, counter::Command::Add { by } if *by < 0);
    if history.iter().any(|operation| falls(&operation.command)) {
        return Ok(());
    }
    let mut calls: Vec<_> = history.iter().enumerate().collect();
    calls.sort_by_key(|(_, operation)| operation.invoked);
    let mut known: BTreeMap<u64, i64> = BTreeMap::new();
    for (operation, call) in calls {
        let Some(&now) = call.answer() else { continue };
        let client = call.client;
        if let Some(before) = known.insert(client, now).filter(|before| *before > now) {
            return Err(Broken::WentBack { operation, client, before, now });
        }
    }
    Ok(())
}

/// What is known of a feed.
#[derive(Default)]
struct Feed {
    /// Entries that someone may have removed.
    removed: BTreeSet<u64>,
    sessions: BTreeMap<u64, Session>,
}

/// What a client knows.
#[derive(Default)]
struct Session {
    /// The highest number.
    newest: u64,
    /// Entries up to it that it found missing.
    gone: BTreeSet<u64>,
}

impl Feed {
    /// What all clients together tell of the entries has to fit.
    fn of(history: &[Operation<feed::Command, feed::Answer>]) -> Result<Self, Broken> {
        let mut feed = Self::default();
        let mut told: BTreeMap<u64, Text> = BTreeMap::new();
        let mut adds: BTreeMap<u64, usize> = BTreeMap::new();
        let mut added: BTreeMap<Text, usize> = BTreeMap::new();
        for (at, operation) in history.iter().enumerate() {
            let may_have_run = operation.outcome != Outcome::NotApplied;
            match &operation.command {
                feed::Command::Remove { eid } if may_have_run => {
                    feed.removed.insert(*eid);
                }
                feed::Command::Add { value } if may_have_run => {
                    *added.entry(value.clone()).or_default() += 1;
                    if let Some(&feed::Answer::Number(eid)) = operation.answer()
                        && let Some(first) = adds.insert(eid, at)
                    {
                        return Err(Broken::TwoAdds { first, second: at, eid });
                    }
                }
                _ => {}
            }
            for (eid, found) in entries(operation) {
                let other = told.entry(eid).or_insert_with(|| found.clone());
                if *other != found {
                    let other = other.clone();
                    return Err(Broken::TwoOrders { operation: at, eid, found, other });
                }
            }
        }
        let mut found: BTreeMap<Text, usize> = BTreeMap::new();
        for value in told.into_values() {
            *found.entry(value).or_default() += 1;
        }
        for (value, found) in found {
            let added = added.get(&value).copied().unwrap_or(0);
            if found > added {
                return Err(Broken::Doubled { value, found, added });
            }
        }
        Ok(feed)
    }

    /// One more answer for a client.
    fn follow(
        &mut self,
        at: usize,
        operation: &Operation<feed::Command, feed::Answer>,
    ) -> Result<(), Broken> {
        let client = operation.client;
        let session = self.sessions.entry(client).or_default();
        let seen = entries(operation);
        for (eid, _) in &seen {
            if session.gone.contains(eid) {
                return Err(Broken::BackAgain { operation: at, client, eid: *eid });
            }
            session.newest = session.newest.max(*eid);
        }
        match (&operation.command, operation.answer()) {
            (feed::Command::Len, Some(&feed::Answer::Number(len))) => {
                let may_be_gone = self.removed.range(..=session.newest).count() as u64;
                if len.saturating_add(may_be_gone) < session.newest {
                    let eid = session.newest;
                    return Err(Broken::Missing { operation: at, client, eid });
                }
                session.newest = session.newest.max(len);
            }
            (feed::Command::Get { eid }, Some(feed::Answer::Value(None))) => {
                session.misses(*eid, &self.removed, at, client)?;
            }
            (feed::Command::All { from, limit }, Some(_)) => {
                session.page(*from, *limit, &seen, &self.removed, at, client)?;
            }
            (feed::Command::Head, Some(_)) => {
                session.page(None, Some(1), &seen, &self.removed, at, client)?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Session {
    /// The client gets a page: whatever is missing between its entries was removed, and after its last
    /// one too, unless the page is full.
    fn page(
        &mut self,
        from: Option<u64>,
        limit: Option<u64>,
        page: &[(u64, Text)],
        removed: &BTreeSet<u64>,
        operation: usize,
        client: u64,
    ) -> Result<(), Broken> {
        let mut next = self.newest.min(from.unwrap_or(u64::MAX));
        for (eid, _) in page {
            if *eid > next {
                return Err(Broken::Disordered { operation });
            }
            for missing in *eid + 1..=next {
                self.misses(missing, removed, operation, client)?;
            }
            next = eid.saturating_sub(1);
        }
        if limit.is_none_or(|limit| (page.len() as u64) < limit) {
            for missing in 1..=next {
                self.misses(missing, removed, operation, client)?;
            }
        }
        Ok(())
    }

    /// The client finds an entry missing. That is right if it was removed or may not be there yet.
    fn misses(
        &mut self,
        eid: u64,
        removed: &BTreeSet<u64>,
        operation: usize,
        client: u64,
    ) -> Result<(), Broken> {
        if eid == 0 || eid > self.newest {
            return Ok(());
        }
        if !removed.contains(&eid) {
            return Err(Broken::Missing { operation, client, eid });
        }
        self.gone.insert(eid);
        Ok(())
    }
}

/// The entries that an answer tells of.
fn entries(operation: &Operation<feed::Command, feed::Answer>) -> Vec<(u64, Text)> {
    match (&operation.command, operation.answer()) {
        (feed::Command::Add { value }, Some(feed::Answer::Number(eid))) => {
            vec![(*eid, value.clone())]
        }
        (feed::Command::Get { eid }, Some(feed::Answer::Value(Some(value)))) => {
            vec![(*eid, value.clone())]
        }
        (_, Some(feed::Answer::Entries(entries))) => entries.clone(),
        _ => Vec::new(),
    }
}
