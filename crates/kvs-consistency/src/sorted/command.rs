//! What can be asked of a sorted set.

use std::ops::Bound;
use std::sync::Arc;

use kvs_core::codec::ordered::OrderedBytes;
use kvs_core::{Dba, Result, Value, stream};
use kvs_sort::{CLEANUP_ROWS_MAX, SortedSet};
use serde::{Deserialize, Serialize};

use crate::command::page_items;

/// A command or query of a sorted set. Elements travel as their
/// [ordered bytes](kvs_core::codec::ordered).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SortedCommand {
    /// Adds an element; answered with whether it is new.
    Insert {
        /// The element.
        element: OrderedBytes,
    },
    /// Removes an element; answered with whether it was there.
    Remove {
        /// The element.
        element: OrderedBytes,
    },
    /// Removes all elements; answered with their number (`u64`).
    Clear,
    /// One step of a cleanup; answered with [`kvs_sort::Cleaned`].
    Cleanup,
    /// Asks whether an element is there.
    Contains {
        /// The element.
        element: OrderedBytes,
    },
    /// Asks for elements in order: a [`SortedPage`].
    Page {
        /// Where the range begins.
        start: Bound<OrderedBytes>,
        /// Where it ends.
        end: Bound<OrderedBytes>,
        /// Whether the highest comes first.
        descending: bool,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Asks how many elements there are (`u64`).
    Len,
}

/// Elements in order; the next page begins behind the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortedPage {
    /// The elements.
    pub elements: Vec<OrderedBytes>,
    /// Whether there may be more.
    pub more: bool,
}

impl SortedCommand {
    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        match self {
            Self::Contains { .. } | Self::Page { .. } | Self::Len => true,
            Self::Insert { .. } | Self::Remove { .. } | Self::Clear | Self::Cleanup => false,
        }
    }

    pub(crate) async fn apply(self, scope: Arc<dyn Dba>, name: &[u8]) -> Result<Vec<u8>> {
        let set = SortedSet::<OrderedBytes>::new(scope, name);
        match self {
            Self::Insert { element } => set.insert(&element).await?.to_bytes(),
            Self::Remove { element } => set.remove(&element).await?.to_bytes(),
            Self::Clear => set.clear().await?.to_bytes(),
            Self::Cleanup => set.cleanup(CLEANUP_ROWS_MAX).await?.to_bytes(),
            Self::Contains { element } => set.contains(&element).await?.to_bytes(),
            Self::Page { start, end, descending, limit } => {
                let mut elements = match descending {
                    false => set.range((start, end)),
                    true => set.range_descending((start, end)),
                };
                let limit = page_items(limit);
                let mut page = SortedPage { elements: Vec::new(), more: false };
                while page.elements.len() < limit
                    && let Some(element) = stream::next(&mut elements).await.transpose()?
                {
                    page.elements.push(element);
                }
                page.more = page.elements.len() == limit;
                page.to_bytes()
            }
            Self::Len => set.len().await?.to_bytes(),
        }
    }
}
