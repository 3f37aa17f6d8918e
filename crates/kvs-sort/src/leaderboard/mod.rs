//! The leaderboard.

mod error;
mod standing;
mod table;

use std::marker::PhantomData;
use std::sync::Arc;

use kvs_core::entity::header;
use kvs_core::env::{Random, SystemRandom};
use kvs_core::{Batch, CallOptions, Dba, DbaError, Result, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::generation::{Cleaned, Generation};
use crate::rows::Rows;
use crate::skip_list::{Shape, SkipList};
use standing::{encode_member, key};

pub use error::LeaderboardError;
pub use standing::{MEMBER_BYTES_MAX, Standing};

/// What follows the generation in the key of a member's row; the member follows.
const MEMBERS: u8 = 0x00;
/// What follows the generation in the keys of the skip list's rows.
const TABLE: u8 = 0x01;
/// The bytes that tell the two apart.
const KIND_BYTES: usize = 1;

/// A finite score for each member, and the table that they make: highest score first.
///
/// Members with equal scores stand in ascending order of their
/// [ordered bytes](kvs_core::codec::ordered), which is the order that `#[derive(Ord)]` gives. Ranks
/// are 1, 2, 3, … in the order of the table, so members with equal scores have different ranks, as
/// with Redis' `ZREVRANK` (where ties stand in descending order). -0 counts as 0.
///
/// The handle is cheap and holds nothing of the table; a leaderboard that no score was set in is
/// empty. Every method fails with [`WrongType`](DbaError::WrongType) if the name belongs to an
/// entity of another type. The type of the members is the handle's and not stored: open a
/// leaderboard with the type it was written with. A name has 1 to 1,024 bytes, a member at most
/// [`MEMBER_BYTES_MAX`].
///
/// Changes of one leaderboard must not overlap: see the
/// [front page](crate#one-writer-at-a-time). If they did, later ones may find that the table
/// contradicts itself, and fail with [`Decode`](DbaError::Decode). A change is one atomic batch, so
/// one that failed changed nothing, or, if its error's [outcome](DbaError::outcome) is unknown, all
/// or nothing.
///
/// Reads may run beside a writer. One that makes several calls may then see a part of the changes
/// made meanwhile: a rank is off by no more than their number.
///
/// ```
/// use std::sync::Arc;
/// use kvs_core::{RowKind, Store};
/// use kvs_sort::Leaderboard;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rows = Arc::new(Store::memory().rows(RowKind::Entity));
/// let league = Leaderboard::<String>::new(rows, "league/2026");
/// let [arsenal, chelsea, leeds] = ["Arsenal", "Chelsea", "Leeds"].map(str::to_owned);
/// league.set(&arsenal, 70.0).await?;
/// league.set(&chelsea, 71.0).await?;
/// league.set(&leeds, 44.0).await?;
/// assert_eq!(league.add(&arsenal, 3.0).await?, 73.0);
///
/// assert_eq!(league.rank(&chelsea).await?, Some(2));
/// let best = league.top(1).await?;
/// assert_eq!((best[0].member.as_str(), best[0].score), ("Arsenal", 73.0));
/// # Ok::<(), kvs_sort::LeaderboardError>(()) }).unwrap();
/// ```
pub struct Leaderboard<M> {
    rows: Rows,
    random: Arc<dyn Random>,
    members: PhantomData<fn() -> M>,
}

impl<M> Clone for Leaderboard<M> {
    fn clone(&self) -> Self {
        let (rows, random) = (self.rows.clone(), self.random.clone());
        Self { rows, random, members: PhantomData }
    }
}

/// What a leaderboard knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    generation: Generation,
    table: Shape,
}

impl State {
    fn prefix(&self, kind: u8) -> Vec<u8> {
        let mut prefix = self.generation.prefix();
        prefix.push(kind);
        prefix
    }

    /// The key of a member's row.
    fn row(&self, member: &[u8]) -> Vec<u8> {
        [&self.prefix(MEMBERS), member].concat()
    }

    fn table<'a>(&self, rows: &'a Rows) -> SkipList<'a> {
        SkipList::new(rows, self.prefix(TABLE), self.table)
    }
}

/// A score before and after a change.
struct Change {
    before: Option<f64>,
    after: f64,
}

impl<M> Leaderboard<M>
where
    M: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// The type in the header of a leaderboard.
    pub const TYPE: &'static str = "leaderboard";

    /// The leaderboard `name` in `dba`.
    pub fn new(dba: Arc<dyn Dba>, name: impl AsRef<[u8]>) -> Self {
        let random = Arc::new(SystemRandom);
        Self { rows: Rows::new(dba, name.as_ref()), random, members: PhantomData }
    }

    /// The same leaderboard, with other options for its calls.
    #[must_use]
    pub fn with(self, options: CallOptions) -> Self {
        Self { rows: self.rows.with(options), ..self }
    }

    /// The same leaderboard, with another source for the seed that a new table draws when its first
    /// score is set. Who can foresee the seed can choose members that make it slow.
    #[must_use]
    pub fn with_random(self, random: Arc<dyn Random>) -> Self {
        Self { random, ..self }
    }

    /// Sets the score of a member and gives the one before. If that is the same, nothing is written.
    ///
    /// About as many small reads as two [ranks](Self::rank), and one batch: the rows that were read,
    /// as far as they have changed. A small step up or down the table changes few.
    ///
    /// # Errors
    /// [`NotFinite`](LeaderboardError::NotFinite) if the score is infinite or no number.
    pub async fn set(&self, member: &M, score: f64) -> Result<Option<f64>, LeaderboardError> {
        Ok(self.change(member, |_| score).await?.before)
    }

    /// Adds to the score of a member, 0 if it has none, and gives the sum. Costs what
    /// [`set`](Self::set) does.
    ///
    /// Not to be repeated blindly if the outcome is unknown: as a command with an id
    /// (see [`CommandId`](kvs_core::CommandId)) it is added once.
    ///
    /// # Errors
    /// [`NotFinite`](LeaderboardError::NotFinite) if the sum is infinite or no number.
    pub async fn add(&self, member: &M, delta: f64) -> Result<f64, LeaderboardError> {
        let change = self.change(member, |before| before.unwrap_or_default() + delta);
        Ok(change.await?.after)
    }

    /// Takes a member out and gives its score; `None` if it had none. About as many small reads as
    /// a [rank](Self::rank), and one batch of as many rows.
    pub async fn remove(&self, member: &M) -> Result<Option<f64>> {
        let member = encode_member(member)?;
        let Some(mut state) = self.state().await? else { return Ok(None) };
        let Some(score) = self.stored(&state, &member).await? else { return Ok(None) };
        let mut table = state.table(&self.rows);
        agree(table.remove(&key(score, &member)?).await?)?;
        let (batch, shape) = table.finish()?;
        state.table = shape;
        self.write(&state, batch.delete(state.row(&member))).await?;
        Ok(Some(score))
    }

    /// The score of a member; `None` if it has none. Two small reads.
    pub async fn score(&self, member: &M) -> Result<Option<f64>> {
        let member = encode_member(member)?;
        let Some(state) = self.state().await? else { return Ok(None) };
        self.stored(&state, &member).await
    }

    /// How many members there are. One small read.
    pub async fn len(&self) -> Result<u64> {
        Ok(self.state().await?.map_or(0, |state| state.table.len()))
    }

    /// Whether there are no members. One small read.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// Takes all members out and gives their number. One small write, however many there are.
    ///
    /// Their rows stay until a [`cleanup`](Self::cleanup), and so does the name's type.
    pub async fn clear(&self) -> Result<u64> {
        let Some(mut state) = self.state().await? else { return Ok(0) };
        let removed = state.table.len();
        if removed > 0 {
            state.generation.advance();
            state.table = state.table.emptied();
            self.write(&state, Batch::new()).await?;
        }
        Ok(removed)
    }

    /// Deletes up to `limit` of the rows that [`clear`](Self::clear) left behind, and says whether
    /// there are more: call it until there are not. Nothing changes for readers.
    ///
    /// One batch. `limit` is at least 1; more than [`CLEANUP_ROWS_MAX`](crate::CLEANUP_ROWS_MAX)
    /// counts as that many. A member has one row, and 16 of them share one more.
    pub async fn cleanup(&self, limit: usize) -> Result<Cleaned> {
        let Some(mut state) = self.state().await? else { return Ok(Cleaned::default()) };
        let (batch, cleaned) = state.generation.sweep(&self.rows, limit).await?;
        if !batch.is_empty() {
            self.write(&state, batch).await?;
        }
        Ok(cleaned)
    }

    async fn change(
        &self,
        member: &M,
        change: impl FnOnce(Option<f64>) -> f64,
    ) -> Result<Change, LeaderboardError> {
        let member = encode_member(member)?;
        let stored = self.state().await?;
        let before = match &stored {
            Some(state) => self.stored(state, &member).await?,
            None => None,
        };
        // Adding 0 makes 0 of -0.
        let after = change(before) + 0.0;
        if !after.is_finite() {
            // A string ends with a mark that says nothing to a reader.
            let shown = member.strip_suffix(&[0x00, 0x01]).unwrap_or(&member);
            return Err(LeaderboardError::NotFinite {
                name: self.rows.name().escape_ascii().to_string(),
                member: shown.escape_ascii().to_string(),
                score: after,
            });
        }
        if before == Some(after) {
            return Ok(Change { before, after });
        }

        let mut state = stored.clone().unwrap_or_else(|| State {
            generation: Generation::default(),
            table: Shape::new(self.random.next_u64()),
        });
        let mut table = state.table(&self.rows);
        if let Some(before) = before {
            agree(table.remove(&key(before, &member)?).await?)?;
        }
        agree(table.insert(&key(after, &member)?).await?)?;
        let (batch, shape) = table.finish()?;
        state.table = shape;
        let batch = batch.put(state.row(&member), after.to_bytes()?);
        if stored.as_ref() == Some(&state) {
            self.rows.write(batch).await?;
        } else {
            self.write(&state, batch).await?;
        }
        Ok(Change { before, after })
    }

    async fn state(&self) -> Result<Option<State>> {
        self.rows.state(Self::TYPE).await
    }

    /// The score in a member's row.
    async fn stored(&self, state: &State, member: &[u8]) -> Result<Option<f64>> {
        let value = self.rows.get(state.row(member)).await?;
        value.map(|value| f64::from_bytes(&value)).transpose()
    }

    async fn write(&self, state: &State, batch: Batch) -> Result<()> {
        self.rows.write(batch.put(header::CLUSTERING, header::encode(Self::TYPE, state)?)).await
    }
}

/// A member's line is in the table if, and only if, the member has that score; so changing it never
/// meets an unchanged table.
fn agree(changed: bool) -> Result<()> {
    if changed {
        return Ok(());
    }
    Err(DbaError::decode("leaderboard", "its scores and its table contradict each other"))
}
