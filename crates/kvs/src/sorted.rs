//! Sorted sets of a store.

use std::marker::PhantomData;
use std::ops::RangeBounds;

use kvs_core::{BoxStream, CallOptions, Value};
use kvs_sort::CLEANUP_ROWS_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entity::Entity;
use crate::error::Result;

/// A sorted set of elements of type `T`, in their natural order. See [`kvs_sort`] for how it works.
///
/// Changes of one set are applied one at a time; different sets don't wait for each other.
///
/// ```
/// use futures_util::TryStreamExt;
/// use kvs::Kvs;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let tags = Kvs::memory().sorted::<String>("tags");
/// assert!(tags.insert(&"derby".into()).await?);
/// assert!(tags.insert(&"cup".into()).await?);
/// assert!(!tags.insert(&"cup".into()).await?);
/// let in_order: Vec<String> = tags.flatten().try_collect().await?;
/// assert_eq!(in_order, ["cup", "derby"]);
/// # Ok::<(), kvs::Error>(()) }).unwrap();
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
        self.command(|set| async move { set.insert(element).await }).await
    }

    /// Removes an element; `false` if it was not there.
    pub async fn remove(&self, element: &T) -> Result<bool> {
        self.command(|set| async move { set.remove(element).await }).await
    }

    /// Whether the element is there.
    pub async fn contains(&self, element: &T) -> Result<bool> {
        Ok(self.view().contains(element).await?)
    }

    /// How many elements there are.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.view().len().await?)
    }

    /// Whether there are no elements.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.view().is_empty().await?)
    }

    /// The lowest element.
    pub async fn first(&self) -> Result<Option<T>> {
        Ok(self.view().first().await?)
    }

    /// The highest element.
    pub async fn last(&self) -> Result<Option<T>> {
        Ok(self.view().last().await?)
    }

    /// All elements from the lowest up; lazily, a page at a time.
    pub fn flatten(&self) -> BoxStream<'static, T> {
        self.view().flatten()
    }

    /// All elements from the highest down; lazily, a page at a time.
    pub fn descending(&self) -> BoxStream<'static, T> {
        self.view().descending()
    }

    /// The elements within `bounds` from the lowest up; lazily, a page at a time.
    pub fn range(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        self.view().range(bounds)
    }

    /// The elements within `bounds` from the highest down; lazily, a page at a time.
    pub fn range_descending(&self, bounds: impl RangeBounds<T>) -> BoxStream<'static, T> {
        self.view().range_descending(bounds)
    }

    /// Removes all elements, and gives their number. One small write, however many there are.
    pub async fn clear(&self) -> Result<u64> {
        self.command(|set| async move { set.clear().await }).await
    }

    /// Deletes what cleared elements left behind, and gives the number of rows.
    pub async fn cleanup(&self) -> Result<u64> {
        let mut removed = 0;
        loop {
            let step =
                self.command(|set| async move { set.cleanup(CLEANUP_ROWS_MAX).await }).await?;
            removed += step.removed;
            if !step.more {
                return Ok(removed);
            }
        }
    }

    /// The committed set, for reading.
    fn view(&self) -> kvs_sort::SortedSet<T> {
        let Entity { name, options, .. } = self.entity.clone();
        kvs_sort::SortedSet::new(self.entity.rows(), name).with(options)
    }

    async fn command<A: Value, F: Future<Output = kvs_core::Result<A>>>(
        &self,
        command: impl FnOnce(kvs_sort::SortedSet<T>) -> F,
    ) -> Result<A> {
        let name = self.entity.name.clone();
        Ok(self.entity.run(|scope| command(kvs_sort::SortedSet::new(scope, name))).await?)
    }
}
