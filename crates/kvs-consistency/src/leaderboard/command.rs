//! What can be asked of a leaderboard.

use std::sync::Arc;

use kvs_core::codec::ordered::OrderedBytes;
use kvs_core::env::Env;
use kvs_core::limits::at_most;
use kvs_core::{Dba, Value};
use kvs_sort::{CLEANUP_ROWS_MAX, Leaderboard, LeaderboardError, Standing};
use serde::{Deserialize, Serialize};

use crate::command::page_items;

/// Most lines on either side that [`LeaderboardCommand::Around`] gives.
pub const AROUND_MAX: usize = 4_096;

/// A command or query of a leaderboard. Members travel as their
/// [ordered bytes](kvs_core::codec::ordered).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LeaderboardCommand {
    /// Sets a member's score; answered with the one before (an optional `f64`).
    Set {
        /// Who.
        member: OrderedBytes,
        /// The new score.
        score: f64,
    },
    /// Adds to a member's score; answered with the sum (`f64`).
    Add {
        /// Who.
        member: OrderedBytes,
        /// What is added.
        delta: f64,
    },
    /// Removes a member; answered with its score (an optional `f64`).
    Remove {
        /// Who.
        member: OrderedBytes,
    },
    /// Removes all members; answered with their number (`u64`).
    Clear,
    /// One step of a cleanup; answered with [`kvs_sort::Cleaned`].
    Cleanup,
    /// Asks for a score: an optional `f64`.
    Score {
        /// Whose.
        member: OrderedBytes,
    },
    /// Asks for a rank: an optional `u64`.
    Rank {
        /// Whose.
        member: OrderedBytes,
    },
    /// Asks for a member's line and those around it: a list of lines.
    Around {
        /// Who is in the middle.
        member: OrderedBytes,
        /// How many lines on either side, at most [`AROUND_MAX`].
        n: u32,
    },
    /// Asks for the lines from a rank on: a list of lines.
    From {
        /// The first one; 1 is the best.
        rank: u64,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Asks for the lines below one, whether it is still there or not: a list of lines.
    Below {
        /// That line.
        line: Standing<OrderedBytes>,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Asks how many members there are (`u64`).
    Len,
}

impl LeaderboardCommand {
    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        match self {
            Self::Score { .. }
            | Self::Rank { .. }
            | Self::Around { .. }
            | Self::From { .. }
            | Self::Below { .. }
            | Self::Len => true,
            Self::Set { .. }
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Clear
            | Self::Cleanup => false,
        }
    }

    pub(crate) async fn apply(
        self,
        scope: Arc<dyn Dba>,
        name: &[u8],
        env: &Env,
    ) -> Result<Vec<u8>, LeaderboardError> {
        let board = Leaderboard::<OrderedBytes>::new(scope, name).with_random(env.random.clone());
        let answer = match self {
            Self::Set { member, score } => board.set(&member, score).await?.to_bytes(),
            Self::Add { member, delta } => board.add(&member, delta).await?.to_bytes(),
            Self::Remove { member } => board.remove(&member).await?.to_bytes(),
            Self::Clear => board.clear().await?.to_bytes(),
            Self::Cleanup => board.cleanup(CLEANUP_ROWS_MAX).await?.to_bytes(),
            Self::Score { member } => board.score(&member).await?.to_bytes(),
            Self::Rank { member } => board.rank(&member).await?.to_bytes(),
            Self::Around { member, n } => {
                let n = n as usize;
                at_most(AROUND, n, AROUND_MAX).map_err(kvs_core::DbaError::from)?;
                board.around(&member, n).await?.to_bytes()
            }
            Self::From { rank, limit } => from(&board, rank, page_items(limit)).await?.to_bytes(),
            Self::Below { line, limit } => board.below(&line, page_items(limit)).await?.to_bytes(),
            Self::Len => board.len().await?.to_bytes(),
        };
        Ok(answer?)
    }
}

pub(crate) const AROUND: &str = "lines around a member";

async fn from(
    board: &Leaderboard<OrderedBytes>,
    rank: u64,
    limit: usize,
) -> kvs_core::Result<Vec<Standing<OrderedBytes>>> {
    if rank <= 1 {
        return board.top(limit).await;
    }
    let Some(first) = board.at(rank).await? else { return Ok(Vec::new()) };
    let mut lines = board.below(&first, limit.saturating_sub(1)).await?;
    lines.insert(0, first);
    Ok(lines)
}
