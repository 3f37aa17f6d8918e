//! The feed itself.

use std::marker::PhantomData;
use std::ops::Bound;
use std::sync::Arc;

use kvs_core::entity::header;
use kvs_core::{Batch, BoxStream, CallOptions, Dba, Key, Page, Range, Result, Scan, Value, stream};
use serde::{Deserialize, Serialize};

use crate::entry::{self, Eid, Entry, REMOVED, entry_key, mark_key};

/// A feed of entries of type `T`, newest first.
///
/// The handle is cheap and holds nothing of the feed; a feed that was never added to is empty.
/// Every method fails with [`WrongType`](kvs_core::DbaError::WrongType) if the name belongs to an
/// entity of another type. A name has 1 to 1,024 bytes, an entry at most 16 MiB with its key.
pub struct Feed<T> {
    pub(crate) dba: Arc<dyn Dba>,
    pub(crate) name: Arc<[u8]>,
    options: CallOptions,
    entries: PhantomData<fn() -> T>,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self {
            dba: self.dba.clone(),
            name: self.name.clone(),
            options: self.options.clone(),
            entries: PhantomData,
        }
    }
}

/// What a feed knows of itself.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The number of the entry added last.
    pub(crate) last: u64,
    /// How many entries there are.
    pub(crate) len: u64,
    /// Entries up to this number are gone.
    pub(crate) floor: u64,
}

impl State {
    fn is_live(&self, eid: Eid) -> bool {
        self.floor < eid.0 && eid.0 <= self.last
    }
}

impl<T: Value> Feed<T> {
    /// The type in the header of a feed.
    pub const TYPE: &'static str = "feed";

    /// The feed `name` in `dba`.
    pub fn new(dba: Arc<dyn Dba>, name: impl AsRef<[u8]>) -> Self {
        let options = CallOptions::default();
        Self { dba, name: name.as_ref().into(), options, entries: PhantomData }
    }

    /// The same feed, with other options for its calls.
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { options, ..self }
    }

    /// Adds an entry as the newest and gives its number. Two small reads and a batch of two rows.
    pub async fn add(&self, value: &T) -> Result<Eid> {
        let mut state = self.state().await?;
        state.last += 1;
        state.len += 1;
        let eid = Eid(state.last);
        self.write(&state, Batch::new().put(entry_key(eid), value.to_bytes()?)).await?;
        Ok(eid)
    }

    /// The entry with this number; `None` if it was removed or never added.
    pub async fn get(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        if !self.state().await?.is_live(eid) {
            return Ok(None);
        }
        self.value(eid)
            .await?
            .map(|bytes| Ok(Entry { eid, value: T::from_bytes(&bytes)? }))
            .transpose()
    }

    /// All entries, newest first, beginning with the entry `from`, or else with the newest.
    ///
    /// If `from` was removed, it begins with the next one. The stream is lazy: it holds one page of
    /// at most 1,024 entries (or 4 MiB). Entries added while it runs are not in it; of entries removed
    /// meanwhile some may be.
    pub fn all(&self, from: Option<Eid>) -> BoxStream<'static, Entry<T>> {
        let this = self.clone();
        stream::lazy_pages(None, move |scan: Option<Scan>| {
            let this = this.clone();
            Box::pin(async move {
                let scan = match scan {
                    Some(scan) => scan,
                    None => Scan::range(older_from(&this.state().await?, from)).short(),
                };
                let mut page = this.scan(&scan).await?;
                let next = page.resume.take().map(|token| Some(scan.longer().resume(token)));
                Ok((page.read(entry::read).filter_map(Result::transpose), next))
            })
        })
    }

    /// The newest entry.
    pub async fn head(&self) -> Result<Option<Entry<T>>> {
        stream::next(&mut self.all(None)).await.transpose()
    }

    /// The entry after `eid` in the order of the feed: the next older one. `eid` itself need not
    /// exist any more.
    pub async fn next(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        match eid.0.checked_sub(1) {
            Some(older) => stream::next(&mut self.all(Some(Eid(older)))).await.transpose(),
            None => Ok(None),
        }
    }

    /// The entry before `eid` in the order of the feed: the next newer one. `eid` itself need not
    /// exist any more.
    pub async fn prev(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        let state = self.state().await?;
        let newer = eid.0.max(state.floor).saturating_add(1);
        if newer > state.last {
            return Ok(None);
        }
        let range =
            (Bound::Included(entry_key(Eid(state.last))), Bound::Included(entry_key(Eid(newer))));
        let mut rows = self.dba.stream(&self.name, Scan::range(range).descending().limit(16));
        while let Some(row) = stream::next(&mut rows).await {
            if let Some(entry) = entry::read(row?.as_ref())? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// How many entries there are. One small read.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.state().await?.len)
    }

    /// Whether there are no entries.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// Removes an entry; `false` if it was not there. Costs the same wherever the entry is.
    ///
    /// The entry is gone at once; a trace of it stays until [`cleanup`](Self::cleanup). Its number
    /// is not used again.
    pub async fn remove(&self, eid: Eid) -> Result<bool> {
        let mut state = self.state().await?;
        if !state.is_live(eid) || self.value(eid).await?.is_none() {
            return Ok(false);
        }
        state.len -= 1;
        self.write(&state, Batch::new().put(entry_key(eid), REMOVED).put(mark_key(eid), []))
            .await?;
        Ok(true)
    }

    /// Removes all entries after `eid` in the order of the feed, that is, the older ones, and gives
    /// their number. What stays is `eid` and everything newer.
    ///
    /// One small write, after a scan of the entries that stay (to count them).
    pub async fn remove_after(&self, eid: Eid) -> Result<u64> {
        let mut state = self.state().await?;
        let floor = eid.0.saturating_sub(1).clamp(state.floor, state.last);
        let staying = State { floor, ..state };
        let mut scan = Some(Scan::range(older_from(&staying, None)));
        let mut len = 0;
        while let Some(current) = scan.take() {
            let page = self.scan(&current).await?;
            len += page.rows().filter(|row| row.value != REMOVED).count() as u64;
            scan = page.resume.map(|token| current.resume(token));
        }
        let removed = state.len - len;
        if floor > state.floor {
            (state.floor, state.len) = (floor, len);
            self.write(&state, Batch::new()).await?;
        }
        Ok(removed)
    }

    /// Removes all entries and gives their number. One small write, however many there are.
    ///
    /// Numbers go on where they were: the next entry added is no number 1.
    pub async fn clear(&self) -> Result<u64> {
        let mut state = self.state().await?;
        let removed = state.len;
        if state.floor < state.last {
            (state.floor, state.len) = (state.last, 0);
            self.write(&state, Batch::new()).await?;
        }
        Ok(removed)
    }

    pub(crate) async fn state(&self) -> Result<State> {
        let state = header::load(&*self.dba, &self.name, Self::TYPE, &self.options).await?;
        Ok(state.unwrap_or_default())
    }

    pub(crate) async fn scan(&self, scan: &Scan) -> Result<Page> {
        self.dba.scan_with(&self.name, scan, &self.options).await
    }

    /// The stored bytes of an entry that has not been removed.
    async fn value(&self, eid: Eid) -> Result<Option<Vec<u8>>> {
        let key = Key::new(&*self.name, entry_key(eid));
        let value = self.dba.get_with(&key, &self.options).await?;
        Ok(value.filter(|value| value != REMOVED))
    }

    async fn write(&self, state: &State, batch: Batch) -> Result<()> {
        let batch = batch.put(header::CLUSTERING, header::encode(Self::TYPE, state)?);
        self.dba.write_with(&self.name, batch, &self.options).await
    }
}

/// The rows of the live entries from `from` (or else the newest) on to the oldest.
fn older_from(state: &State, from: Option<Eid>) -> Range {
    let newest = from.unwrap_or(Eid(state.last)).0.min(state.last);
    (Bound::Included(entry_key(Eid(newest))), Bound::Excluded(entry_key(Eid(state.floor))))
}
