//! Feeds of a store.

use std::marker::PhantomData;

use kvs_core::{BoxStream, CallOptions, Value};
use kvs_feed::{Eid, Entry};

use crate::entity::Entity;
use crate::error::Result;

/// A feed of entries of type `T`, newest first. See [`kvs_feed`] for what a feed is.
///
/// Changes of one feed are applied one at a time, in one order, from however many tasks they come;
/// changes of different feeds don't wait for each other. Reads don't wait at all.
///
/// ```
/// use futures_util::TryStreamExt;
/// use kvs::{Eid, Kvs};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let kvs = Kvs::memory();
/// let posts = kvs.feed::<String>("posts/ada");
/// posts.add(&"first".to_owned()).await?;
/// posts.add(&"second".to_owned()).await?;
/// let texts: Vec<String> = posts.all(None).map_ok(|entry| entry.value).try_collect().await?;
/// assert_eq!(texts, ["second", "first"]);
/// # Ok::<(), kvs::Error>(()) }).unwrap();
/// ```
pub struct Feed<T> {
    entity: Entity,
    entries: PhantomData<fn() -> T>,
}

impl<T: Value> Feed<T> {
    pub(crate) fn new(entity: Entity) -> Self {
        Self { entity, entries: PhantomData }
    }

    /// The same feed with options for its calls: a deadline, or the id of a command.
    ///
    /// A command with an id is applied once however often it is repeated; use such a handle for
    /// that one command.
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { entity: self.entity.with(options), ..self }
    }

    /// Adds an entry as the newest and gives its number: 1, 2, 3, …
    pub async fn add(&self, value: &T) -> Result<Eid> {
        self.command(|feed| async move { feed.add(value).await }).await
    }

    /// The entry with this number; `None` if it was removed or never added.
    pub async fn get(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        Ok(self.view().get(eid).await?)
    }

    /// All entries, newest first, beginning with `from` or else with the newest; lazily, a page at a
    /// time.
    pub fn all(&self, from: Option<Eid>) -> BoxStream<'static, Entry<T>> {
        self.view().all(from)
    }

    /// The newest entry.
    pub async fn head(&self) -> Result<Option<Entry<T>>> {
        Ok(self.view().head().await?)
    }

    /// The next older entry after `eid`.
    pub async fn next(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        Ok(self.view().next(eid).await?)
    }

    /// The next newer entry before `eid`.
    pub async fn prev(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        Ok(self.view().prev(eid).await?)
    }

    /// How many entries there are.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.view().len().await?)
    }

    /// Whether there are no entries.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.view().is_empty().await?)
    }

    /// Removes an entry; `false` if it was not there. Its number is not used again.
    pub async fn remove(&self, eid: Eid) -> Result<bool> {
        self.command(|feed| async move { feed.remove(eid).await }).await
    }

    /// Removes all entries older than `eid`, and gives their number.
    pub async fn remove_after(&self, eid: Eid) -> Result<u64> {
        self.command(|feed| async move { feed.remove_after(eid).await }).await
    }

    /// Removes all entries, and gives their number.
    pub async fn clear(&self) -> Result<u64> {
        self.command(|feed| async move { feed.clear().await }).await
    }

    /// Deletes what removed entries left behind, and gives their number. Nothing changes for
    /// readers, and other commands get their turns in between.
    pub async fn cleanup(&self) -> Result<u64> {
        let mut entries = 0;
        loop {
            let step = self.command(|feed| async move { feed.cleanup_step().await }).await?;
            entries += step.entries;
            if !step.more {
                return Ok(entries);
            }
        }
    }

    /// The committed feed, for reading.
    fn view(&self) -> kvs_feed::Feed<T> {
        let Entity { name, options, .. } = self.entity.clone();
        kvs_feed::Feed::new(self.entity.rows(), name).with(options)
    }

    async fn command<A: Value, F: Future<Output = kvs_core::Result<A>>>(
        &self,
        command: impl FnOnce(kvs_feed::Feed<T>) -> F,
    ) -> Result<A> {
        let name = self.entity.name.clone();
        Ok(self.entity.run(|scope| command(kvs_feed::Feed::new(scope, name))).await?)
    }
}
