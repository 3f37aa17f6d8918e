//! The sorted set.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use kvs_core::codec::ordered;
use kvs_core::entity::header;
use kvs_core::limits::{CLUSTERING_BYTES_MAX, at_most};
use kvs_core::{
    Batch, BoxStream, CallOptions, Dba, DbaError, Order, Range, Result, RowRef, Scan, stream,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::generation::{Cleaned, Generation, PREFIX_BYTES_MAX};
use crate::rows::{Rows, after, within};

/// The longest element of a [`SortedSet`], in bytes of its ordered encoding.
pub const ELEMENT_BYTES_MAX: usize = CLUSTERING_BYTES_MAX - PREFIX_BYTES_MAX;

/// A set of elements of type `T`, in the natural order of the type.
///
/// Natural is the order that `#[derive(Ord)]` gives: that of the elements'
/// [ordered bytes](kvs_core::codec::ordered). A hand-written `Ord` that orders otherwise is not
/// heeded.
///
/// The handle is cheap and holds nothing of the set; a set that nothing was inserted into is empty.
/// Every method fails with [`WrongType`](DbaError::WrongType) if the name belongs to an entity of
/// another type. The type of the elements is the handle's and not stored: open a set with the type
/// it was written with. A name has 1 to 1,024 bytes, an element at most [`ELEMENT_BYTES_MAX`].
///
/// Changes of one set must not overlap: see the [front page](crate#one-writer-at-a-time). A change
/// is one atomic batch, so one that failed changed nothing, or, if its error's
/// [outcome](DbaError::outcome) is unknown, all or nothing. Doing it again is harmless.
///
/// ```
/// use std::sync::Arc;
/// use futures_util::TryStreamExt;
/// use kvs_core::{RowKind, Store};
/// use kvs_sort::SortedSet;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rows = Arc::new(Store::memory().rows(RowKind::Entity));
/// let scorers = SortedSet::<String>::new(rows, "league/scorers");
/// for name in ["Salah", "Haaland", "Kane", "Haaland"] {
///     scorers.insert(&name.to_owned()).await?;
/// }
/// let all: Vec<_> = scorers.flatten().try_collect().await?;
/// assert_eq!(all, ["Haaland", "Kane", "Salah"]);
///
/// let from_k: Vec<_> = scorers.range("K".to_owned()..).try_collect().await?;
/// assert_eq!(from_k, ["Kane", "Salah"]);
/// # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
/// ```
///
/// A set of one type takes no element of another:
///
/// ```compile_fail,E0308
/// # async fn example(scorers: kvs_sort::SortedSet<String>) {
/// let shirt: u8 = 9;
/// scorers.insert(&shirt).await; // expected `&String`, found `&u8`
/// # }
/// ```
pub struct SortedSet<T> {
    rows: Rows,
    elements: PhantomData<fn() -> T>,
}

impl<T> Clone for SortedSet<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), elements: PhantomData }
    }
}

/// What a set knows of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    generation: Generation,
    len: u64,
}

impl State {
    /// The key of an element's row.
    fn row(&self, element: &[u8]) -> Vec<u8> {
        [&self.generation.prefix(), element].concat()
    }
}

impl<T> SortedSet<T>
where
    T: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// The type in the header of a sorted set.
    pub const TYPE: &'static str = "sorted";

    /// The set `name` in `dba`.
    pub fn new(dba: Arc<dyn Dba>, name: impl AsRef<[u8]>) -> Self {
        Self { rows: Rows::new(dba, name.as_ref()), elements: PhantomData }
    }

    /// The same set, with other options for its calls.
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { rows: self.rows.with(options), ..self }
    }

    /// Adds an element; `false` if it was there, and nothing is written then.
    ///
    /// Two small reads and a batch of two rows, whatever the size of the set and the order of the
    /// insertions.
    pub async fn insert(&self, element: &T) -> Result<bool> {
        let element = encode(element)?;
        let mut state = self.state().await?.unwrap_or_default();
        let row = state.row(&element);
        if self.rows.get(row.clone()).await?.is_some() {
            return Ok(false);
        }
        state.len = state.len.saturating_add(1);
        self.write(&state, Batch::new().put(row, [])).await?;
        Ok(true)
    }

    /// Removes an element; `false` if it was not there. Costs what [`insert`](Self::insert) does.
    pub async fn remove(&self, element: &T) -> Result<bool> {
        let element = encode(element)?;
        let Some(mut state) = self.state().await? else { return Ok(false) };
        let row = state.row(&element);
        if self.rows.get(row.clone()).await?.is_none() {
            return Ok(false);
        }
        let none_left = || DbaError::decode("sorted set", "it has more elements than its length");
        state.len = state.len.checked_sub(1).ok_or_else(none_left)?;
        self.write(&state, Batch::new().delete(row)).await?;
        Ok(true)
    }

    /// Whether an element is in the set. Two small reads.
    pub async fn contains(&self, element: &T) -> Result<bool> {
        let element = encode(element)?;
        let Some(state) = self.state().await? else { return Ok(false) };
        Ok(self.rows.get(state.row(&element)).await?.is_some())
    }

    /// How many elements there are. One small read.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.state().await?.unwrap_or_default().len)
    }

    /// Whether there are no elements. One small read.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// The least element. A small read and a scan of one row.
    pub async fn first(&self) -> Result<Option<T>> {
        stream::next(&mut self.stream(.., Order::Ascending, Scan::all().limit(1))).await.transpose()
    }

    /// The greatest element. A small read and a scan of one row.
    pub async fn last(&self) -> Result<Option<T>> {
        stream::next(&mut self.stream(.., Order::Descending, Scan::all().limit(1)))
            .await
            .transpose()
    }

    /// All elements in ascending order.
    ///
    /// The stream is lazy: it holds one page of at most 1,024 elements, which shows the set as it was when the
    /// page was read.
    pub fn flatten(&self) -> BoxStream<'static, T> {
        self.range(..)
    }

    /// All elements in descending order, as lazily.
    pub fn descending(&self) -> BoxStream<'static, T> {
        self.range_descending(..)
    }

    /// The elements within `bounds` in ascending order, as lazily. Bounds the wrong way round hold
    /// nothing.
    pub fn range(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        self.stream(bounds, Order::Ascending, Scan::all().short())
    }

    /// The elements within `bounds` in descending order, as lazily.
    pub fn range_descending(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        self.stream(bounds, Order::Descending, Scan::all().short())
    }

    /// Removes all elements and gives their number. One small write, however many there are.
    ///
    /// Their rows stay until a [`cleanup`](Self::cleanup), and so does the name's type.
    pub async fn clear(&self) -> Result<u64> {
        let Some(mut state) = self.state().await? else { return Ok(0) };
        let removed = std::mem::take(&mut state.len);
        if removed > 0 {
            state.generation.advance();
            self.write(&state, Batch::new()).await?;
        }
        Ok(removed)
    }

    /// Deletes up to `limit` of the rows that [`clear`](Self::clear) left behind, and says whether
    /// there are more: call it until there are not. Nothing changes for readers.
    ///
    /// One batch. `limit` is at least 1; more than [`CLEANUP_ROWS_MAX`](crate::CLEANUP_ROWS_MAX)
    /// counts as that many.
    pub async fn cleanup(&self, limit: usize) -> Result<Cleaned> {
        let Some(mut state) = self.state().await? else { return Ok(Cleaned::default()) };
        let (batch, cleaned) = state.generation.sweep(&self.rows, limit).await?;
        if !batch.is_empty() {
            self.write(&state, batch).await?;
        }
        Ok(cleaned)
    }

    async fn state(&self) -> Result<Option<State>> {
        self.rows.state(Self::TYPE).await
    }

    async fn write(&self, state: &State, batch: Batch) -> Result<()> {
        self.rows.write(batch.put(header::CLUSTERING, header::encode(Self::TYPE, state)?)).await
    }

    fn stream(
        &self,
        bounds: impl RangeBounds<T>,
        order: Order,
        page: Scan,
    ) -> BoxStream<'static, T> {
        let this = self.clone();
        let first = encode_bounds(bounds).map(|range| (range, page.page_rows()));
        stream::lazy_pages(first, move |page: Result<(Range, usize)>| {
            let this = this.clone();
            Box::pin(async move {
                let ((start, end), page_rows) = page?;
                let state = this.state().await?.unwrap_or_default();
                let prefix = state.generation.prefix();
                let scan = Scan::range(within(&prefix, (start.clone(), end.clone())));
                let scan = scan.order(order).limit(page_rows);
                let page = this.rows.scan(&scan).await?;
                let more = page.last().filter(|_| page.resume.is_some());
                let next = more.map(|last| {
                    let last = Bound::Excluded(after(prefix.len(), last.clustering).to_vec());
                    let range = match order {
                        Order::Ascending => (last, end),
                        Order::Descending => (start, last),
                    };
                    Ok((range, scan.longer().page_rows()))
                });
                let element =
                    move |row: RowRef<'_>| ordered::from_bytes(after(prefix.len(), row.clustering));
                Ok((page.read(element), next))
            })
        })
    }
}

fn encode<T: Serialize>(element: &T) -> Result<Vec<u8>> {
    let bytes = ordered::to_bytes(element)?;
    at_most("element length in bytes", bytes.len(), ELEMENT_BYTES_MAX)?;
    Ok(bytes)
}

fn encode_bounds<T: Serialize>(bounds: impl RangeBounds<T>) -> Result<Range> {
    Ok((encode_bound(bounds.start_bound())?, encode_bound(bounds.end_bound())?))
}

fn encode_bound<T: Serialize>(bound: Bound<&T>) -> Result<Bound<Vec<u8>>> {
    Ok(match bound {
        Bound::Included(element) => Bound::Included(ordered::to_bytes(element)?),
        Bound::Excluded(element) => Bound::Excluded(ordered::to_bytes(element)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}
