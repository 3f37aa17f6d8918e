//! Leaderboards.

mod command;

use std::marker::PhantomData;
use std::sync::Arc;

use kvs_core::codec::ordered::OrderedBytes;
use kvs_core::{BoxStream, CallOptions, DbaError, EntityStore, Result, Value, stream};
use kvs_sort::{CLEANUP_ROWS_MAX, Cleaned, LeaderboardError, Standing};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Failure;
use crate::command::{Command, PAGE_ITEMS_MAX, PageSize};
use crate::entity::Entity;

pub(crate) use command::AROUND;
pub use command::{AROUND_MAX, LeaderboardCommand};

/// A leaderboard of members of type `M`, highest score first. See [`kvs_sort`] for how it works.
///
/// Changes of one board are applied one at a time; different boards don't wait for each other. A
/// rank costs about the same among a thousand members and among a million.
///
/// ```
/// # use std::sync::Arc;
/// # use kvs_consistency::Executor;
/// # use kvs_core::{RowKind, Store, entity::LocalEntities, env::Env};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
/// # let kvs = Executor::local(Arc::new(store), Env::system());
/// let cup = kvs.leaderboard::<String>("cup");
/// cup.set(&"ann".into(), 30.0).await?;
/// cup.set(&"bob".into(), 20.0).await?;
/// cup.add(&"bob".into(), 15.0).await?;
/// assert_eq!(cup.top(1).await?[0].member, "bob");
/// assert_eq!(cup.rank(&"ann".into()).await?, Some(2));
/// # Ok::<(), kvs_sort::LeaderboardError>(()) }).unwrap();
/// ```
pub struct Leaderboard<M> {
    entity: Entity,
    members: PhantomData<fn() -> M>,
}

type Lines = Vec<Standing<OrderedBytes>>;

/// Where a stream of the table goes on.
enum Cursor {
    From(u64),
    Below(Standing<OrderedBytes>),
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
    pub async fn set(&self, member: &M, score: f64) -> Result<Option<f64>, LeaderboardError> {
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |board| async move { board.set(member, score).await }).await
            }
            None => {
                let member = OrderedBytes::new(member)?;
                Ok(self.send(LeaderboardCommand::Set { member, score }).await?)
            }
        }
    }

    /// Adds to a member's score (0 if there is none), and gives the sum, which has to be finite.
    pub async fn add(&self, member: &M, delta: f64) -> Result<f64, LeaderboardError> {
        match self.entity.straight() {
            Some(store) => {
                self.run(store, |board| async move { board.add(member, delta).await }).await
            }
            None => {
                let member = OrderedBytes::new(member)?;
                Ok(self.send(LeaderboardCommand::Add { member, delta }).await?)
            }
        }
    }

    /// Removes a member, and gives its score; `None` if it was not there.
    pub async fn remove(&self, member: &M) -> Result<Option<f64>> {
        match self.entity.straight() {
            Some(store) => self.run(store, |board| async move { board.remove(member).await }).await,
            None => Ok(self
                .send(LeaderboardCommand::Remove { member: OrderedBytes::new(member)? })
                .await?),
        }
    }

    /// A member's score.
    pub async fn score(&self, member: &M) -> Result<Option<f64>> {
        match self.view() {
            Some(board) => board.score(member).await,
            None => Ok(self
                .send(LeaderboardCommand::Score { member: OrderedBytes::new(member)? })
                .await?),
        }
    }

    /// A member's place: 1 is the best. Equal scores are in the order of their members.
    pub async fn rank(&self, member: &M) -> Result<Option<u64>> {
        match self.view() {
            Some(board) => board.rank(member).await,
            None => Ok(self
                .send(LeaderboardCommand::Rank { member: OrderedBytes::new(member)? })
                .await?),
        }
    }

    /// The best `n`. On a cluster they are fetched in parts, if they are more than 1,024.
    pub async fn top(&self, n: usize) -> Result<Vec<Standing<M>>> {
        if let Some(board) = self.view() {
            return board.top(n).await;
        }
        let mut lines: Vec<Standing<M>> = Vec::new();
        if n == 0 {
            return Ok(lines);
        }
        let mut last = None;
        loop {
            let left = n.saturating_sub(lines.len());
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_ITEMS_MAX);
            let query = match last {
                None => LeaderboardCommand::From { rank: 1, limit },
                Some(line) => LeaderboardCommand::Below { line, limit },
            };
            let page: Lines = self.send(query).await?;
            last = page.last().filter(|_| page.len() == limit as usize).cloned();
            for line in page {
                lines.push(decode(line)?);
            }
            if last.is_none() || lines.len() >= n {
                return Ok(lines);
            }
        }
    }

    /// A member with the `n` above it and the `n` below it; empty if it is not there. On a cluster
    /// `n` is at most [`AROUND_MAX`].
    pub async fn around(&self, member: &M, n: usize) -> Result<Vec<Standing<M>>> {
        if let Some(board) = self.view() {
            return board.around(member, n).await;
        }
        let (member, n) = (OrderedBytes::new(member)?, u32::try_from(n).unwrap_or(u32::MAX));
        let lines: Lines = self.send(LeaderboardCommand::Around { member, n }).await?;
        lines.into_iter().map(decode).collect()
    }

    /// Who has this place.
    pub async fn at(&self, rank: u64) -> Result<Option<Standing<M>>> {
        if let Some(board) = self.view() {
            return board.at(rank).await;
        }
        if rank == 0 {
            return Ok(None);
        }
        let lines: Lines = self.send(LeaderboardCommand::From { rank, limit: 1 }).await?;
        lines.into_iter().next().map(decode).transpose()
    }

    /// The whole table from the top; lazily, a page at a time.
    pub fn standings(&self) -> BoxStream<'static, Standing<M>> {
        self.standings_from(1)
    }

    /// The table from a place on; lazily, a page at a time.
    pub fn standings_from(&self, rank: u64) -> BoxStream<'static, Standing<M>> {
        if let Some(board) = self.view() {
            return board.standings_from(rank);
        }
        let entity = self.entity.clone();
        stream::lazy_pages((Cursor::From(rank), PageSize::FIRST), move |(cursor, size)| {
            let entity = entity.clone();
            Box::pin(async move {
                let limit = size.items();
                let query = match cursor {
                    Cursor::From(rank) => LeaderboardCommand::From { rank, limit },
                    Cursor::Below(line) => LeaderboardCommand::Below { line, limit },
                };
                let lines: Lines = entity.send(Command::Leaderboard(query)).await?;
                let last = lines.last().filter(|_| lines.len() as u64 == u64::from(limit)).cloned();
                let next = last.map(|last| (Cursor::Below(last), size.longer()));
                Ok((lines.into_iter().map(decode), next))
            })
        })
    }

    /// How many members there are.
    pub async fn len(&self) -> Result<u64> {
        match self.view() {
            Some(board) => board.len().await,
            None => Ok(self.send(LeaderboardCommand::Len).await?),
        }
    }

    /// Whether there are no members.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// Removes all members, and gives their number. One small write, however many there are.
    pub async fn clear(&self) -> Result<u64> {
        match self.entity.straight() {
            Some(store) => self.run(store, |board| async move { board.clear().await }).await,
            None => Ok(self.send(LeaderboardCommand::Clear).await?),
        }
    }

    /// Deletes what cleared members left behind, and gives the number of rows.
    ///
    /// It is many commands, so it takes no command id; calling it again does no harm.
    pub async fn cleanup(&self) -> Result<u64> {
        let this = Self::new(self.entity.without_command());
        let mut removed = 0;
        loop {
            let step: Cleaned = match this.entity.straight() {
                Some(store) => {
                    let step = |board: kvs_sort::Leaderboard<M>| async move {
                        board.cleanup(CLEANUP_ROWS_MAX).await
                    };
                    this.run(store, step).await?
                }
                None => this.send(LeaderboardCommand::Cleanup).await?,
            };
            removed += step.removed;
            if !step.more {
                return Ok(removed);
            }
        }
    }

    /// The committed board, if its rows are in this process.
    fn view(&self) -> Option<kvs_sort::Leaderboard<M>> {
        let board = kvs_sort::Leaderboard::new(self.entity.rows()?, self.entity.name());
        Some(board.with(self.entity.options().clone()))
    }

    async fn run<A, E, F>(
        &self,
        store: &Arc<dyn EntityStore>,
        command: impl FnOnce(kvs_sort::Leaderboard<M>) -> F,
    ) -> Result<A, E>
    where
        A: Value,
        E: From<DbaError>,
        F: Future<Output = Result<A, E>>,
    {
        let name = self.entity.name();
        let random = self.entity.env().map(|env| env.random.clone());
        let board = |scope| {
            let board = kvs_sort::Leaderboard::new(scope, name);
            match random {
                Some(random) => board.with_random(random),
                None => board,
            }
        };
        self.entity.run(store, |scope| command(board(scope))).await
    }

    async fn send<A: Value>(&self, command: LeaderboardCommand) -> Result<A, Failure> {
        self.entity.send(Command::Leaderboard(command)).await
    }
}

fn decode<M: DeserializeOwned>(line: Standing<OrderedBytes>) -> Result<Standing<M>> {
    let Standing { rank, member, score } = line;
    Ok(Standing { rank, member: member.decode()?, score })
}
