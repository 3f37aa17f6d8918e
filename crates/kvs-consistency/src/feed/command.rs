//! What can be asked of a feed.

use std::sync::Arc;

use kvs_core::codec::{Bytes, Encoded};
use kvs_core::limits::PAGE_BYTES_MAX;
use kvs_core::{Dba, Result, Value, stream};
use kvs_feed::{Eid, Entry, Feed};
use serde::{Deserialize, Serialize};

use crate::command::page_items;

/// A command or query of a feed. Entries travel encoded, as a [`Value`] is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FeedCommand {
    /// Adds an entry; answered with its [`Eid`].
    Add {
        /// The encoded entry.
        entry: Bytes,
    },
    /// Removes an entry; answered with whether it was there.
    Remove {
        /// Its number.
        eid: Eid,
    },
    /// Removes the entries older than this one; answered with their number (`u64`).
    RemoveAfter {
        /// Its number.
        eid: Eid,
    },
    /// Removes all entries; answered with their number (`u64`).
    Clear,
    /// One step of a cleanup; answered with [`kvs_feed::Cleaned`].
    Cleanup,
    /// Asks for an entry: an optional [`FeedEntry`].
    Get {
        /// Its number.
        eid: Eid,
    },
    /// Asks for entries from the newest on: a [`FeedPage`].
    Page {
        /// The newest entry that is wanted, if not the newest of all.
        from: Option<Eid>,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Asks for the next newer entry: an optional [`FeedEntry`].
    Prev {
        /// The number of the older one.
        eid: Eid,
    },
    /// Asks how many entries there are (`u64`).
    Len,
}

/// An entry, encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    /// Its number.
    pub eid: Eid,
    /// What was added.
    pub value: Bytes,
}

impl FeedEntry {
    /// The entry as its type.
    pub fn decode<T: Value>(self) -> Result<Entry<T>> {
        Ok(Entry { eid: self.eid, value: T::from_bytes(&self.value.0)? })
    }
}

impl From<Entry<Encoded>> for FeedEntry {
    fn from(Entry { eid, value: Encoded(value) }: Entry<Encoded>) -> Self {
        Self { eid, value: Bytes(value) }
    }
}

/// Entries, newest first. A page ends at what was asked for, or once it holds 4 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// The entries.
    pub entries: Vec<FeedEntry>,
    /// Where the next page begins; `None` if there is none.
    pub next: Option<Eid>,
}

impl FeedCommand {
    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        match self {
            Self::Get { .. } | Self::Page { .. } | Self::Prev { .. } | Self::Len => true,
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::RemoveAfter { .. }
            | Self::Clear
            | Self::Cleanup => false,
        }
    }

    pub(crate) async fn apply(self, scope: Arc<dyn Dba>, name: &[u8]) -> Result<Vec<u8>> {
        let feed = Feed::<Encoded>::new(scope, name);
        match self {
            Self::Add { entry } => feed.add(&Encoded(entry.0)).await?.to_bytes(),
            Self::Remove { eid } => feed.remove(eid).await?.to_bytes(),
            Self::RemoveAfter { eid } => feed.remove_after(eid).await?.to_bytes(),
            Self::Clear => feed.clear().await?.to_bytes(),
            Self::Cleanup => feed.cleanup_step().await?.to_bytes(),
            Self::Get { eid } => feed.get(eid).await?.map(FeedEntry::from).to_bytes(),
            Self::Page { from, limit } => page(&feed, from, page_items(limit)).await?.to_bytes(),
            Self::Prev { eid } => feed.prev(eid).await?.map(FeedEntry::from).to_bytes(),
            Self::Len => feed.len().await?.to_bytes(),
        }
    }
}

async fn page(feed: &Feed<Encoded>, from: Option<Eid>, limit: usize) -> Result<FeedPage> {
    let mut all = feed.all(from);
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while let Some(entry) = stream::next(&mut all).await.transpose()? {
        bytes += entry.value.0.len();
        // The next older one may be gone; the next page then begins with the one after it.
        let next = entry.eid.0.checked_sub(1).filter(|older| *older > 0).map(Eid);
        entries.push(FeedEntry::from(entry));
        if entries.len() == limit || bytes >= PAGE_BYTES_MAX {
            return Ok(FeedPage { entries, next });
        }
    }
    Ok(FeedPage { entries, next: None })
}
