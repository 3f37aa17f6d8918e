//! Sorted sets.

mod command;

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use kvs_core::codec::ordered::OrderedBytes;
use kvs_core::{BoxStream, CallOptions, EntityStore, Result, Value, stream};
use kvs_sort::{CLEANUP_ROWS_MAX, Cleaned};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::{Command, PageSize};
use crate::entity::Entity;

pub use command::{SortedCommand, SortedPage};

/// A sorted set of elements of type `T`, in their natural order. See [`kvs_sort`] for how it works.
///
/// Changes of one set are applied one at a time; different sets don't wait for each other.
///
/// ```
/// # use std::sync::Arc;
/// use futures_util::TryStreamExt;
/// # use kvs_consistency::Executor;
/// # use kvs_core::{RowKind, Store, entity::LocalEntities, env::Env};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
/// # let kvs = Executor::local(Arc::new(store), Env::system());
/// let tags = kvs.sorted::<String>("tags");
/// assert!(tags.insert(&"derby".into()).await?);
/// assert!(tags.insert(&"cup".into()).await?);
/// assert!(!tags.insert(&"cup".into()).await?);
/// let in_order: Vec<String> = tags.flatten().try_collect().await?;
/// assert_eq!(in_order, ["cup", "derby"]);
/// # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
/// ```
pub struct SortedSet<T> {
    entity: Entity,
    elements: PhantomData<fn() -> T>,
}

impl<T> SortedSet<T>
where
    T: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(crate) fn new(entity: Entity) -> Self {
        Self { entity, elements: PhantomData }
    }

    /// The same set with options for its calls; see [`Feed::with`](crate::Feed::with).
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { entity: self.entity.with(options), ..self }
    }

    /// Adds an element; `false` if it was there.
    pub async fn insert(&self, element: &T) -> Result<bool> {
        match self.entity.straight() {
            Some(store) => self.run(store, |set| async move { set.insert(element).await }).await,
            None => self.send(SortedCommand::Insert { element: OrderedBytes::new(element)? }).await,
        }
    }

    /// Removes an element; `false` if it was not there.
    pub async fn remove(&self, element: &T) -> Result<bool> {
        match self.entity.straight() {
            Some(store) => self.run(store, |set| async move { set.remove(element).await }).await,
            None => self.send(SortedCommand::Remove { element: OrderedBytes::new(element)? }).await,
        }
    }

    /// Whether the element is there.
    pub async fn contains(&self, element: &T) -> Result<bool> {
        match self.view() {
            Some(set) => set.contains(element).await,
            None => {
                self.send(SortedCommand::Contains { element: OrderedBytes::new(element)? }).await
            }
        }
    }

    /// How many elements there are.
    pub async fn len(&self) -> Result<u64> {
        match self.view() {
            Some(set) => set.len().await,
            None => self.send(SortedCommand::Len).await,
        }
    }

    /// Whether there are no elements.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// The lowest element.
    pub async fn first(&self) -> Result<Option<T>> {
        match self.view() {
            Some(set) => set.first().await,
            None => self.end(false).await,
        }
    }

    /// The highest element.
    pub async fn last(&self) -> Result<Option<T>> {
        match self.view() {
            Some(set) => set.last().await,
            None => self.end(true).await,
        }
    }

    /// All elements from the lowest up; lazily, a page at a time.
    pub fn flatten(&self) -> BoxStream<'static, T> {
        self.range(..)
    }

    /// All elements from the highest down; lazily, a page at a time.
    pub fn descending(&self) -> BoxStream<'static, T> {
        self.range_descending(..)
    }

    /// The elements within `bounds` from the lowest up; lazily, a page at a time.
    pub fn range(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        match self.view() {
            Some(set) => set.range(bounds),
            None => self.pages(bounds, false),
        }
    }

    /// The elements within `bounds` from the highest down; lazily, a page at a time.
    pub fn range_descending(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        match self.view() {
            Some(set) => set.range_descending(bounds),
            None => self.pages(bounds, true),
        }
    }

    /// Removes all elements, and gives their number. One small write, however many there are.
    pub async fn clear(&self) -> Result<u64> {
        match self.entity.straight() {
            Some(store) => self.run(store, |set| async move { set.clear().await }).await,
            None => self.send(SortedCommand::Clear).await,
        }
    }

    /// Deletes what cleared elements left behind, and gives the number of rows.
    ///
    /// It is many commands, so it takes no command id; calling it again does no harm.
    pub async fn cleanup(&self) -> Result<u64> {
        let this = Self::new(self.entity.without_command());
        let mut removed = 0;
        loop {
            let step: Cleaned = match this.entity.straight() {
                Some(store) => {
                    let step = |set: kvs_sort::SortedSet<T>| async move {
                        set.cleanup(CLEANUP_ROWS_MAX).await
                    };
                    this.run(store, step).await?
                }
                None => this.send(SortedCommand::Cleanup).await?,
            };
            removed += step.removed;
            if !step.more {
                return Ok(removed);
            }
        }
    }

    /// The committed set, if its rows are in this process.
    fn view(&self) -> Option<kvs_sort::SortedSet<T>> {
        let set = kvs_sort::SortedSet::new(self.entity.rows()?, self.entity.name());
        Some(set.with(self.entity.options().clone()))
    }

    async fn run<A: Value, F: Future<Output = Result<A>>>(
        &self,
        store: &Arc<dyn EntityStore>,
        command: impl FnOnce(kvs_sort::SortedSet<T>) -> F,
    ) -> Result<A> {
        let name = self.entity.name();
        self.entity.run(store, |scope| command(kvs_sort::SortedSet::new(scope, name))).await
    }

    async fn send<A: Value>(&self, command: SortedCommand) -> Result<A> {
        Ok(self.entity.send(Command::Sorted(command)).await?)
    }

    async fn end(&self, descending: bool) -> Result<Option<T>> {
        let (start, end) = (Bound::Unbounded, Bound::Unbounded);
        let page: SortedPage =
            self.send(SortedCommand::Page { start, end, descending, limit: 1 }).await?;
        page.elements.first().map(OrderedBytes::decode).transpose()
    }

    fn pages(&self, bounds: impl RangeBounds<T>, descending: bool) -> BoxStream<'static, T> {
        let entity = self.entity.clone();
        let first = ordered(bounds.start_bound())
            .and_then(|start| Ok((start, ordered(bounds.end_bound())?, PageSize::FIRST)));
        stream::lazy_pages(first, move |cursor| {
            let entity = entity.clone();
            Box::pin(async move {
                let (start, end, size) = cursor?;
                let limit = size.items();
                let query = SortedCommand::Page {
                    start: start.clone(),
                    end: end.clone(),
                    descending,
                    limit,
                };
                let page: SortedPage = entity.send(Command::Sorted(query)).await?;
                let last = page.elements.last().filter(|_| page.more).cloned();
                let next = last.map(|last| {
                    let last = Bound::Excluded(last);
                    let (start, end) = if descending { (start, last) } else { (last, end) };
                    Ok((start, end, size.longer()))
                });
                Ok((page.elements.into_iter().map(|element| element.decode()), next))
            })
        })
    }
}

fn ordered<T: Serialize>(bound: Bound<&T>) -> Result<Bound<OrderedBytes>> {
    Ok(match bound {
        Bound::Included(element) => Bound::Included(OrderedBytes::new(element)?),
        Bound::Excluded(element) => Bound::Excluded(OrderedBytes::new(element)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}
