//! Leaderboards of a store.

use std::marker::PhantomData;

use kvs_core::{BoxStream, CallOptions, DbaError, Value};
use kvs_sort::{CLEANUP_ROWS_MAX, Standing};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entity::Entity;
use crate::error::{Error, Result};

/// A leaderboard of members of type `M`, highest score first. See [`kvs_sort`] for how it works.
///
/// Changes of one board are applied one at a time; different boards don't wait for each other. A
/// rank costs about the same among a thousand members and among a million.
///
/// ```
/// use kvs::Kvs;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cup = Kvs::memory().leaderboard::<String>("cup");
/// cup.set(&"ann".into(), 30.0).await?;
/// cup.set(&"bob".into(), 20.0).await?;
/// cup.add(&"bob".into(), 15.0).await?;
/// assert_eq!(cup.top(1).await?[0].member, "bob");
/// assert_eq!(cup.rank(&"ann".into()).await?, Some(2));
/// # Ok::<(), kvs::Error>(()) }).unwrap();
/// ```
pub struct Leaderboard<M> {
    entity: Entity,
    members: PhantomData<fn() -> M>,
}

impl<M> Leaderboard<M>
where
    M: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(crate) fn new(entity: Entity) -> Self {
        Self { entity, members: PhantomData }
    }

    /// The same board with options for its calls; see [`Feed::with`](crate::Feed::with).
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { entity: self.entity.with(options), ..self }
    }

    /// Sets a member's score, which has to be finite, and gives the one before.
    pub async fn set(&self, member: &M, score: f64) -> Result<Option<f64>> {
        self.command(|board| async move { board.set(member, score).await }).await
    }

    /// Adds to a member's score (0 if there is none), and gives the sum, which has to be finite.
    pub async fn add(&self, member: &M, delta: f64) -> Result<f64> {
        self.command(|board| async move { board.add(member, delta).await }).await
    }

    /// Removes a member, and gives its score; `None` if it was not there.
    pub async fn remove(&self, member: &M) -> Result<Option<f64>> {
        self.command(|board| async move { board.remove(member).await }).await
    }

    /// A member's score.
    pub async fn score(&self, member: &M) -> Result<Option<f64>> {
        Ok(self.view().score(member).await?)
    }

    /// A member's place: 1 is the best. Equal scores are in the order of their members.
    pub async fn rank(&self, member: &M) -> Result<Option<u64>> {
        Ok(self.view().rank(member).await?)
    }

    /// The best `n`.
    pub async fn top(&self, n: usize) -> Result<Vec<Standing<M>>> {
        Ok(self.view().top(n).await?)
    }

    /// A member with the `n` above it and the `n` below it; empty if it is not there.
    pub async fn around(&self, member: &M, n: usize) -> Result<Vec<Standing<M>>> {
        Ok(self.view().around(member, n).await?)
    }

    /// Who has this place.
    pub async fn at(&self, rank: u64) -> Result<Option<Standing<M>>> {
        Ok(self.view().at(rank).await?)
    }

    /// The whole table from the top; lazily, a page at a time.
    pub fn standings(&self) -> BoxStream<'static, Standing<M>> {
        self.view().standings()
    }

    /// The table from a place on; lazily, a page at a time.
    pub fn standings_from(&self, rank: u64) -> BoxStream<'static, Standing<M>> {
        self.view().standings_from(rank)
    }

    /// How many members there are.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.view().len().await?)
    }

    /// Whether there are no members.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.view().is_empty().await?)
    }

    /// Removes all members, and gives their number. One small write, however many there are.
    pub async fn clear(&self) -> Result<u64> {
        self.command(|board| async move { board.clear().await }).await
    }

    /// Deletes what cleared members left behind, and gives the number of rows.
    pub async fn cleanup(&self) -> Result<u64> {
        let mut removed = 0;
        loop {
            let step =
                self.command(|board| async move { board.cleanup(CLEANUP_ROWS_MAX).await }).await?;
            removed += step.removed;
            if !step.more {
                return Ok(removed);
            }
        }
    }

    /// The committed board, for reading.
    fn view(&self) -> kvs_sort::Leaderboard<M> {
        let Entity { name, options, .. } = self.entity.clone();
        kvs_sort::Leaderboard::new(self.entity.rows(), name).with(options)
    }

    async fn command<A, E, F>(
        &self,
        command: impl FnOnce(kvs_sort::Leaderboard<M>) -> F,
    ) -> Result<A>
    where
        A: Value,
        E: From<DbaError>,
        Error: From<E>,
        F: Future<Output = Result<A, E>>,
    {
        let name = self.entity.name.clone();
        Ok(self.entity.run(|scope| command(kvs_sort::Leaderboard::new(scope, name))).await?)
    }
}
