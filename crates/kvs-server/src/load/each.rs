//! Something done with every record, over several connections, in spite of servers that fail.
//!
//! Each connection takes some records at a time and sends them together. Those that fail, but may be
//! tried again, go to the next server after a pause that doubles each time. The first record that is
//! refused, or that isn't done when its time is over, ends the work of all connections: then more
//! is wrong than trying mends.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::join_all;
use indicatif::ProgressBar;
use tokio::time::{Instant, sleep};

use super::receipts::Receipts;
use super::records::Record;
use crate::client::{Address, ClientError, Connection, Link};
use crate::progress::{self, Unit};

/// How many records go out together on a connection.
const BATCH: usize = 8;
/// The first pause before trying again.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Records, and the servers to do something with them.
pub(super) struct Each<'a> {
    pub(super) records: &'a [Record],
    pub(super) addresses: &'a [Address],
    pub(super) password: Option<&'a str>,
    /// How many connections.
    pub(super) clients: usize,
    /// How long to try for each record.
    pub(super) patience: Duration,
    /// Whether no progress is shown.
    pub(super) hidden: bool,
}

/// What is done with a record.
pub(super) enum Work<'a> {
    /// It is put, and its key noted once that is acknowledged.
    Put(&'a Receipts),
    /// It is read and compared.
    Compare,
}

/// What has been done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Records that are put, or were read as they should be.
    pub(super) done: usize,
    /// Attempts beyond the first.
    pub(super) retried: usize,
    /// The key of a record that reads as something else.
    pub(super) different: Option<String>,
    /// Why not all were tried.
    pub(super) stopped_by: Option<ClientError>,
    /// How long it took.
    pub(super) seconds: f64,
}

impl Each<'_> {
    /// Does it with every record.
    pub(super) async fn run(&self, what: &'static str, work: &Work<'_>) -> Done {
        let total = self.records.len() as u64;
        let crew = Crew {
            each: self,
            work,
            batches: RefCell::new(self.records.chunks(BATCH)),
            stopping: Cell::new(false),
            bar: progress::bar(self.hidden, what, Unit::Records, Some(total)),
            done: RefCell::default(),
        };
        join_all((0..self.clients).map(|number| crew.work_from(number))).await;
        Done { seconds: crew.bar.elapsed().as_secs_f64(), ..crew.done.into_inner() }
    }
}

/// What the connections share. They run in one task, so cells do.
struct Crew<'a> {
    each: &'a Each<'a>,
    work: &'a Work<'a>,
    batches: RefCell<std::slice::Chunks<'a, Record>>,
    stopping: Cell<bool>,
    bar: ProgressBar,
    done: RefCell<Done>,
}

impl Crew<'_> {
    /// Works off batches until there are no more, or something can't be done. The first server is
    /// the one with this number.
    async fn work_from(&self, number: usize) {
        let mut link = Link::new(self.each.addresses, self.each.password, number);
        while !self.stopping.get() {
            let batch = self.batches.borrow_mut().next();
            let Some(batch) = batch else { return };
            if let Err(error) = self.insist(&mut link, batch.iter().collect()).await {
                self.stopping.set(true);
                self.done.borrow_mut().stopped_by.get_or_insert(error);
            }
        }
    }

    /// Tries until all of these are done.
    async fn insist(&self, link: &mut Link, mut waiting: Vec<&Record>) -> Result<(), ClientError> {
        // None is beyond what a clock can tell.
        let deadline = Instant::now().checked_add(self.each.patience);
        let mut pause = PAUSE_MIN;
        while let Err(error) = self.attempt(link, &mut waiting).await {
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if is_over || self.stopping.get() || !error.is_retryable() {
                return Err(error);
            }
            link.move_on();
            sleep(pause).await;
            pause = (2 * pause).min(PAUSE_MAX);
            self.done.borrow_mut().retried += waiting.len();
        }
        Ok(())
    }

    /// Tries all of these once, and leaves those that aren't done.
    async fn attempt(
        &self,
        link: &mut Link,
        waiting: &mut Vec<&Record>,
    ) -> Result<(), ClientError> {
        let connection = link.connection().await?;
        let outcomes = join_all(waiting.iter().map(|record| self.one(&connection, record))).await;
        let mut failed: Option<ClientError> = None;
        let mut outcomes = outcomes.into_iter();
        waiting.retain(|_| match outcomes.next() {
            Some(Err(error)) => {
                // One that is final counts more than those that may pass.
                if failed.as_ref().is_none_or(ClientError::is_retryable) {
                    failed = Some(error);
                }
                true
            }
            _ => false,
        });
        failed.map_or(Ok(()), Err)
    }

    async fn one(&self, connection: &Connection, record: &Record) -> Result<(), ClientError> {
        let Record { key, value } = record;
        let is_right = match self.work {
            Work::Put(receipts) => {
                connection.put(key, value).await?;
                receipts.note(key);
                true
            }
            Work::Compare => connection.get(key).await?.as_ref() == Some(value),
        };
        self.bar.inc(1);
        let mut done = self.done.borrow_mut();
        if is_right {
            done.done += 1;
        } else {
            done.different.get_or_insert_with(|| key.clone());
        }
        Ok(())
    }
}
