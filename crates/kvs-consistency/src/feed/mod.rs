//! Feeds.

mod command;

use std::marker::PhantomData;
use std::sync::Arc;

use kvs_core::codec::Bytes;
use kvs_core::{BoxStream, CallOptions, EntityStore, Result, Value, stream};
use kvs_feed::{Cleaned, Eid, Entry};

use crate::command::{Command, PageSize};
use crate::entity::Entity;

pub use command::{FeedCommand, FeedEntry, FeedPage};

/// A feed of entries of type `T`, newest first. See [`kvs_feed`] for what a feed is.
///
/// Changes of one feed are applied one at a time, in one order, from however many tasks they come;
/// changes of different feeds don't wait for each other. On an embedded store reads don't wait at
/// all.
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
/// let posts = kvs.feed::<String>("posts/ada");
/// posts.add(&"first".to_owned()).await?;
/// posts.add(&"second".to_owned()).await?;
/// let texts: Vec<String> = posts.all(None).map_ok(|entry| entry.value).try_collect().await?;
/// assert_eq!(texts, ["second", "first"]);
/// # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
/// ```
pub struct Feed<T> {
    entity: Entity,
    entries: PhantomData<fn() -> T>,
}

impl<T: Value> Feed<T> {
    pub(crate) fn new(entity: Entity) -> Self {
        Self { entity, entries: PhantomData }
    }

    /// The same feed with options for its calls: a deadline, a session, or the id of a command.
    ///
    /// A command with an id is applied once however often it is repeated; use such a handle for
    /// that one command.
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { entity: self.entity.with(options), ..self }
    }

    /// Adds an entry as the newest and gives its number: 1, 2, 3, …
    pub async fn add(&self, value: &T) -> Result<Eid> {
        match self.entity.straight() {
            Some(store) => self.run(store, |feed| async move { feed.add(value).await }).await,
            None => self.send(FeedCommand::Add { entry: Bytes(value.to_bytes()?) }).await,
        }
    }

    /// The entry with this number; `None` if it was removed or never added.
    pub async fn get(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        match self.view() {
            Some(feed) => feed.get(eid).await,
            None => self.entry(FeedCommand::Get { eid }).await,
        }
    }

    /// All entries, newest first, beginning with `from` or else with the newest; lazily, a page at a
    /// time.
    pub fn all(&self, from: Option<Eid>) -> BoxStream<'static, Entry<T>> {
        if let Some(feed) = self.view() {
            return feed.all(from);
        }
        let entity = self.entity.clone();
        stream::lazy_pages((from, PageSize::FIRST), move |(from, size)| {
            let entity = entity.clone();
            Box::pin(async move {
                let query = FeedCommand::Page { from, limit: size.items() };
                let page: FeedPage = entity.send(Command::Feed(query)).await?;
                let next = page.next.map(|next| (Some(next), size.longer()));
                Ok((page.entries.into_iter().map(FeedEntry::decode), next))
            })
        })
    }

    /// The newest entry.
    pub async fn head(&self) -> Result<Option<Entry<T>>> {
        match self.view() {
            Some(feed) => feed.head().await,
            None => self.first_from(None).await,
        }
    }

    /// The next older entry after `eid`.
    pub async fn next(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        match (self.view(), eid.0.checked_sub(1)) {
            (Some(feed), _) => feed.next(eid).await,
            (None, Some(older)) => self.first_from(Some(Eid(older))).await,
            (None, None) => Ok(None),
        }
    }

    /// The next newer entry before `eid`.
    pub async fn prev(&self, eid: Eid) -> Result<Option<Entry<T>>> {
        match self.view() {
            Some(feed) => feed.prev(eid).await,
            None => self.entry(FeedCommand::Prev { eid }).await,
        }
    }

    /// How many entries there are.
    pub async fn len(&self) -> Result<u64> {
        match self.view() {
            Some(feed) => feed.len().await,
            None => self.send(FeedCommand::Len).await,
        }
    }

    /// Whether there are no entries.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// Removes an entry; `false` if it was not there. Its number is not used again.
    pub async fn remove(&self, eid: Eid) -> Result<bool> {
        match self.entity.straight() {
            Some(store) => self.run(store, |feed| async move { feed.remove(eid).await }).await,
            None => self.send(FeedCommand::Remove { eid }).await,
        }
    }

    /// Removes all entries older than `eid`, and gives their number.
    pub async fn remove_after(&self, eid: Eid) -> Result<u64> {
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |feed| async move { feed.remove_after(eid).await }).await
            }
            None => self.send(FeedCommand::RemoveAfter { eid }).await,
        }
    }

    /// Removes all entries, and gives their number.
    pub async fn clear(&self) -> Result<u64> {
        match self.entity.straight() {
            Some(store) => self.run(store, |feed| async move { feed.clear().await }).await,
            None => self.send(FeedCommand::Clear).await,
        }
    }

    /// Deletes what removed entries left behind, and gives their number. Nothing changes for
    /// readers, and other commands get their turns in between.
    ///
    /// It is many commands, so it takes no command id; calling it again does no harm.
    pub async fn cleanup(&self) -> Result<u64> {
        let this = Self::new(self.entity.without_command());
        let mut entries = 0;
        loop {
            let step: Cleaned = match this.entity.straight() {
                Some(store) => {
                    this.run(store, |feed| async move { feed.cleanup_step().await }).await?
                }
                None => this.send(FeedCommand::Cleanup).await?,
            };
            entries += step.entries;
            if !step.more {
                return Ok(entries);
            }
        }
    }

    /// The committed feed, if its rows are in this process.
    fn view(&self) -> Option<kvs_feed::Feed<T>> {
        let feed = kvs_feed::Feed::new(self.entity.rows()?, self.entity.name());
        Some(feed.with(self.entity.options().clone()))
    }

    async fn run<A: Value, F: Future<Output = Result<A>>>(
        &self,
        store: &Arc<dyn EntityStore>,
        command: impl FnOnce(kvs_feed::Feed<T>) -> F,
    ) -> Result<A> {
        let name = self.entity.name();
        self.entity.run(store, |scope| command(kvs_feed::Feed::new(scope, name))).await
    }

    async fn send<A: Value>(&self, command: FeedCommand) -> Result<A> {
        Ok(self.entity.send(Command::Feed(command)).await?)
    }

    async fn entry(&self, query: FeedCommand) -> Result<Option<Entry<T>>> {
        let entry: Option<FeedEntry> = self.send(query).await?;
        entry.map(FeedEntry::decode).transpose()
    }

    async fn first_from(&self, from: Option<Eid>) -> Result<Option<Entry<T>>> {
        let page: FeedPage = self.send(FeedCommand::Page { from, limit: 1 }).await?;
        page.entries.into_iter().next().map(FeedEntry::decode).transpose()
    }
}
