//! Reading the table.

use kvs_core::{BoxStream, DbaError, Order, Result, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Leaderboard;
use super::standing::{Standing, encode_member, key};

/// How often a read begins again because a writer came in between.
const ATTEMPTS: usize = 16;

/// How many lines a stream reads at a time.
const PAGE: usize = 256;

/// Where a stream goes on.
enum Cursor {
    /// With this rank.
    From(u64),
    /// With this rank, which follows the line with this key.
    After(u64, Vec<u8>),
}

impl<M> Leaderboard<M>
where
    M: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// The rank of a member, 1 for the best; `None` if it has no score.
    ///
    /// Two small reads, and one more for each level of the table: there is one level more for each
    /// 16-fold of its size.
    pub async fn rank(&self, member: &M) -> Result<Option<u64>> {
        Ok(self.around(member, 0).await?.first().map(|line| line.rank))
    }

    /// A member's line with the `n` lines above and the `n` below it, fewer at the ends of the
    /// table; nothing if the member has no score. A [rank](Self::rank) and two scans of `n` lines.
    pub async fn around(&self, member: &M, n: usize) -> Result<Vec<Standing<M>>> {
        let member = encode_member(member)?;
        for _ in 0..ATTEMPTS {
            let Some(state) = self.state().await? else { return Ok(Vec::new()) };
            let Some(score) = self.stored(&state, &member).await? else { return Ok(Vec::new()) };
            let (key, mut table) = (key(score, &member)?, state.table(&self.rows));
            let Some(before) = table.rank(&key).await? else { continue };
            let Some(above) = table.beyond(&key, Order::Descending, n).await? else { continue };
            let Some(below) = table.beyond(&key, Order::Ascending, n).await? else { continue };
            let first = before.saturating_sub(above.len() as u64).saturating_add(1);
            let keys = above.into_iter().rev().chain([key]).chain(below);
            return Standing::read_all(first, keys);
        }
        Err(unsettled())
    }

    /// The line with this rank; `None` if the table is shorter, or for rank 0. Costs what
    /// [`rank`](Self::rank) does.
    pub async fn at(&self, rank: u64) -> Result<Option<Standing<M>>> {
        let Some(key) = self.select(rank).await? else { return Ok(None) };
        Standing::read(rank, &key).map(Some)
    }

    /// The best `n`. A small read and a scan of `n` lines; the answer is in memory as a whole, so
    /// for many take [`standings`](Self::standings).
    pub async fn top(&self, n: usize) -> Result<Vec<Standing<M>>> {
        Standing::read_all(1, self.after(&[], n).await?)
    }

    /// Up to `n` lines below `line`, whether it is still in the table or not; their ranks count on
    /// from its own. For who reads the table in parts and keeps nothing in between. A
    /// [rank](Self::rank) and a scan of `n` lines.
    pub async fn below(&self, line: &Standing<M>, n: usize) -> Result<Vec<Standing<M>>> {
        let line_key = key(line.score, &encode_member(&line.member)?)?;
        Standing::read_all(line.rank.saturating_add(1), self.after(&line_key, n).await?)
    }

    /// The whole table from the top.
    ///
    /// The stream is lazy: it holds one page of 256 lines, which shows the table as it was when the
    /// page was read. So a member that moves meanwhile may come twice or not at all; ranks count the
    /// lines.
    pub fn standings(&self) -> BoxStream<'static, Standing<M>> {
        self.standings_from(1)
    }

    /// The table from this rank down, as lazily. To find its beginning costs what two calls of
    /// [`at`](Self::at) do.
    pub fn standings_from(&self, rank: u64) -> BoxStream<'static, Standing<M>> {
        let this = self.clone();
        stream::pages(Cursor::From(rank.max(1)), move |cursor| {
            let this = this.clone();
            Box::pin(async move {
                let (rank, last) = match cursor {
                    Cursor::After(rank, last) => (rank, last),
                    Cursor::From(1) => (1, Vec::new()),
                    Cursor::From(rank) => match this.select(rank - 1).await? {
                        Some(last) => (rank, last),
                        None => return Ok((Vec::new(), None)),
                    },
                };
                let keys = this.after(&last, PAGE).await?;
                let next = keys.last().filter(|_| keys.len() == PAGE);
                let next =
                    next.map(|last| Cursor::After(rank.saturating_add(PAGE as u64), last.clone()));
                Ok((Standing::read_all(rank, keys)?, next))
            })
        })
    }

    /// The key of the line with this rank.
    async fn select(&self, rank: u64) -> Result<Option<Vec<u8>>> {
        let Some(position) = rank.checked_sub(1) else { return Ok(None) };
        for _ in 0..ATTEMPTS {
            let Some(state) = self.state().await? else { return Ok(None) };
            if position >= state.table.len() {
                return Ok(None);
            }
            if let Some(key) = state.table(&self.rows).select(position).await? {
                return Ok(Some(key));
            }
        }
        Err(unsettled())
    }

    /// The keys of up to `n` lines after the line with this key; the empty key is before them all.
    async fn after(&self, key: &[u8], n: usize) -> Result<Vec<Vec<u8>>> {
        for _ in 0..ATTEMPTS {
            let Some(state) = self.state().await? else { return Ok(Vec::new()) };
            if let Some(keys) = state.table(&self.rows).beyond(key, Order::Ascending, n).await? {
                return Ok(keys);
            }
        }
        Err(unsettled())
    }
}

/// What a read finds when a writer comes in between each time, or the table contradicts itself.
fn unsettled() -> DbaError {
    let detail = format!("its table contradicted itself {ATTEMPTS} times in a row");
    DbaError::decode("leaderboard", detail)
}
