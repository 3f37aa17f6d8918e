//! Results of commands, by id, among the rows of their entity.
//!
//! For stores of entities: what [`EntityStore::begin`](super::EntityStore::begin) looks up, and
//! what [`submit`](super::EntityStore::submit) adds to a command's writes.

use std::time::Duration;

use crate::batch::{Batch, Op};
use crate::codec::Value;
use crate::dba::Dba;
use crate::entity::CommandId;
use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::scan::Scan;

/// How many results an entity keeps. Of the ids below the oldest one kept it isn't known whether
/// they ran, so they are never run again.
pub const RESULTS_KEPT: usize = 1_024;

/// How far ahead of its own clock the owner of an entity lets an id be made. Suits machines whose
/// clocks are kept by NTP.
pub const AHEAD_MAX: Duration = Duration::from_secs(60);

const PREFIX: u8 = 0x00;
/// Where the summary is: before all results.
const SUMMARY: [u8; 1] = [PREFIX];

/// How many results there are, and the newest id that was dropped.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Summary {
    kept: u64,
    floor: Option<[u8; 16]>,
}

fn clustering(id: CommandId) -> Vec<u8> {
    [&[PREFIX], id.as_bytes().as_slice()].concat()
}

/// The result of the command `id`, if it was applied.
///
/// # Errors
/// [`DbaError::CommandForgotten`] if the id is older than the results that are kept.
pub async fn find(dba: &dyn Dba, name: &[u8], id: CommandId) -> Result<Option<Vec<u8>>> {
    if let Some(result) = dba.get(&Key::new(name, clustering(id))).await? {
        return Ok(Some(result));
    }
    if summary(dba, name).await?.floor.is_some_and(|floor| *id.as_bytes() <= floor) {
        return Err(DbaError::CommandForgotten {
            id: id.to_string(),
            name: name.escape_ascii().to_string(),
            kept: RESULTS_KEPT,
        });
    }
    Ok(None)
}

/// Refuses a new id that was made too far ahead of `now_ms`, the clock of whoever owns the entity.
///
/// Ids of the far future would stay the newest ones. Once they were all that is kept, every id that
/// is made by a clock that is right would be older.
///
/// # Errors
/// [`DbaError::CommandAhead`].
pub fn check_time(name: &[u8], id: CommandId, now_ms: u64) -> Result<()> {
    let ahead_ms = id.made_ms().saturating_sub(now_ms);
    let limit_ms = u64::try_from(AHEAD_MAX.as_millis()).unwrap_or(u64::MAX);
    if ahead_ms > limit_ms {
        let name = name.escape_ascii().to_string();
        return Err(DbaError::CommandAhead { id: id.to_string(), name, ahead_ms, limit_ms });
    }
    Ok(())
}

/// Adds the result of `id` to the command's own writes, and drops the oldest result if there are
/// too many.
pub async fn record(
    dba: &dyn Dba,
    name: &[u8],
    id: CommandId,
    result: Vec<u8>,
    writes: &mut Batch,
) -> Result<()> {
    let mut summary = summary(dba, name).await?;
    summary.kept += 1;
    if summary.kept > RESULTS_KEPT as u64 {
        let oldest = dba.scan(name, &Scan::prefix([PREFIX]).limit(2)).await?;
        let oldest = oldest.rows().find(|row| row.clustering != SUMMARY);
        if let Some(oldest) = oldest {
            summary.floor = oldest.clustering.get(1..).and_then(|id| id.try_into().ok());
            summary.kept -= 1;
            writes.push(Op::Delete { clustering: oldest.clustering.to_vec() });
        }
    }
    writes.push(Op::Put { clustering: SUMMARY.to_vec(), value: summary.to_bytes()? });
    writes.push(Op::Put { clustering: clustering(id), value: result });
    Ok(())
}

async fn summary(dba: &dyn Dba, name: &[u8]) -> Result<Summary> {
    match dba.get(&Key::new(name, SUMMARY)).await? {
        Some(bytes) => Summary::from_bytes(&bytes),
        None => Ok(Summary::default()),
    }
}
