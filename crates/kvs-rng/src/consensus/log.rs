//! The log and the vote of a node, in its store.
//!
//! ```text
//! Log  0x00 index (8 bytes, big endian)  → version, entry
//! Meta "consensus/vote"                  → version, vote
//! Meta "consensus/purged"                → version, id of the last entry dropped
//! ```
//!
//! Everything is synced before it is acknowledged: a vote or an entry that a node forgot could elect
//! two leaders. What is committed is not kept: the state machine keeps what it applied, and the rest
//! is found out again from the others.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{Order, RowKind, Store};
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, LogState, OptionalSend, RaftLogReader, StorageIOError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::{Entry, LogId, RaftId, StorageError, Types, Vote};
use super::format;

/// Which of a node's logs this one is.
const LAYOUT_LOG: u8 = 0x00;
/// Rows of one page when the log is read or cut.
const PAGE_ROWS: usize = 256;
/// Bytes after which a page ends, and a message to a node that lags.
const PAGE_BYTES: usize = 1 << 20;

/// Names of the rows about the log.
const VOTE: &[u8] = b"consensus/vote";
const PURGED: &[u8] = b"consensus/purged";

/// The log and the vote. Clones are handles of the same.
#[derive(Clone)]
pub(crate) struct LogStore {
    raw: Raw,
}

type IoError = StorageIOError<RaftId>;

impl LogStore {
    /// The log in `store`.
    pub(crate) fn new(store: &Store) -> Self {
        Self { raw: store.synced().raw() }
    }

    /// The vote last given.
    pub(crate) async fn vote(&self) -> Result<Option<Vote>, StorageError> {
        Ok(read(&self.raw, "vote", VOTE).await?)
    }

    /// The last entry, or else the last that was dropped.
    pub(crate) async fn state(&self) -> Result<LogState<Types>, StorageError> {
        let purged: Option<LogId> = read(&self.raw, "last dropped entry", PURGED).await?;
        let mut last = self.page(all(), Order::Descending, 1).await?;
        let last = last.pop().map(|entry| entry.log_id).filter(|last| Some(*last) > purged);
        Ok(LogState { last_purged_log_id: purged, last_log_id: last.or(purged) })
    }

    /// Adds entries in one write.
    pub(crate) async fn add(
        &self,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<(), StorageError> {
        let mut writes = WriteSet::default();
        for entry in entries {
            let value = format::encode("entry of the log", &entry);
            let value = value
                .map_err(|error| IoError::write_log_entry(entry.log_id, AnyError::new(&error)))?;
            writes.stored(&key(entry.log_id.index), Some(&value));
        }
        let done = self.raw.write(writes).await;
        Ok(done.map_err(|error| IoError::write_logs(AnyError::new(&error)))?)
    }

    /// Entries of `range`, as many as fit a page.
    async fn page(
        &self,
        range: kvs_core::Range,
        order: Order,
        rows: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let rows = self.raw.scan(range, order, rows, PAGE_BYTES).await;
        let rows = rows.map_err(|error| IoError::read_logs(AnyError::new(&error)))?;
        let entry = |row: kvs_core::StoredRow| {
            let entry: Entry = format::decode("entry of the log", &row.value)
                .map_err(|error| IoError::read_logs(AnyError::new(&error)))?;
            if row.key == key(entry.log_id.index) {
                return Ok(entry);
            }
            let problem = format!("entry {} is not where it belongs", entry.log_id);
            Err(StorageError::from(IoError::read_logs(AnyError::error(problem))))
        };
        rows.into_iter().map(entry).collect()
    }

    /// Removes entries a page at a time, from one end, so that a crash leaves no hole.
    async fn remove(&self, range: kvs_core::Range, order: Order) -> Result<(), StorageError> {
        let failed = |error: kvs_core::DbaError| IoError::write_logs(AnyError::new(&error));
        loop {
            let rows = self.raw.scan(range.clone(), order, PAGE_ROWS, PAGE_BYTES).await;
            let rows = rows.map_err(failed)?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut writes = WriteSet::default();
            for row in rows {
                writes.stored(&row.key, None);
            }
            self.raw.write(writes).await.map_err(failed)?;
        }
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError> {
        let start = match range.start_bound() {
            Bound::Included(start) => Bound::Included(key(*start)),
            Bound::Excluded(start) => Bound::Excluded(key(*start)),
            Bound::Unbounded => Bound::Included(key(0)),
        };
        let end = match range.end_bound() {
            Bound::Included(end) => Bound::Included(key(*end)),
            Bound::Excluded(end) => Bound::Excluded(key(*end)),
            Bound::Unbounded => Bound::Included(key(u64::MAX)),
        };
        let mut found: Vec<Entry> = Vec::new();
        loop {
            let last = found.last().map(|entry| Bound::Excluded(key(entry.log_id.index)));
            let rest = (last.unwrap_or_else(|| start.clone()), end.clone());
            let page = self.page(rest, Order::Ascending, PAGE_ROWS).await?;
            if page.is_empty() {
                return Ok(found);
            }
            found.extend(page);
        }
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        let range = (Bound::Included(key(start)), Bound::Excluded(key(end)));
        self.page(range, Order::Ascending, PAGE_ROWS).await
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        self.state().await
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        Ok(write(&self.raw, "vote", VOTE, vote).await?)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        self.vote().await
    }

    async fn append<I>(
        &mut self,
        entries: I,
        flushed: LogFlushed<Types>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        // The layout changes rarely: waiting for the disk right here costs nobody anything.
        let entries: Vec<_> = entries.into_iter().collect();
        self.add(entries).await?;
        flushed.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, from: LogId) -> Result<(), StorageError> {
        let range = (Bound::Included(key(from.index)), Bound::Included(key(u64::MAX)));
        self.remove(range, Order::Descending).await
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        // Entries that a crash leaves below the mark are never read, and go with the next purge.
        write(&self.raw, "last dropped entry", PURGED, &upto).await?;
        let range = (Bound::Included(key(0)), Bound::Included(key(upto.index)));
        self.remove(range, Order::Ascending).await
    }
}

fn key(index: u64) -> Vec<u8> {
    let mut key = vec![RowKind::Log as u8, LAYOUT_LOG];
    key.extend_from_slice(&index.to_be_bytes());
    key
}

fn all() -> kvs_core::Range {
    (Bound::Included(key(0)), Bound::Included(key(u64::MAX)))
}

/// The stored key of a node's own row about the consensus.
pub(crate) fn meta_key(name: &[u8]) -> Vec<u8> {
    [&[RowKind::Meta as u8], name].concat()
}

/// Reads a row about the consensus.
pub(crate) async fn read<T: DeserializeOwned>(
    raw: &Raw,
    what: &'static str,
    name: &[u8],
) -> Result<Option<T>, IoError> {
    let value =
        raw.get(meta_key(name)).await.map_err(|error| IoError::read(AnyError::new(&error)))?;
    let value = value.map(|value| format::decode(what, &value)).transpose();
    value.map_err(|error| IoError::read(AnyError::new(&error)))
}

/// Writes a row about the consensus.
pub(crate) async fn write<T: Serialize>(
    raw: &Raw,
    what: &'static str,
    name: &[u8],
    value: &T,
) -> Result<(), IoError> {
    let value =
        format::encode(what, value).map_err(|error| IoError::write(AnyError::new(&error)))?;
    let mut writes = WriteSet::default();
    writes.stored(&meta_key(name), Some(&value));
    raw.write(writes).await.map_err(|error| IoError::write(AnyError::new(&error)))
}
