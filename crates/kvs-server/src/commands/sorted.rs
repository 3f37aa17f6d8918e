//! `kvs sorted`: distinct values in order.

use futures_util::{StreamExt, TryStreamExt};
use kvs::entities::Executor;
use kvs::{DbaError, SortedSet};
use serde_json::json;

use crate::cli::SortedCommand;
use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::place::Place;

pub(crate) async fn run(command: SortedCommand, place: &Place, out: &mut Output) -> Result {
    match command {
        SortedCommand::Insert { id, value } => {
            let value = input::text(value)?;
            let inserted = set(place.open_or_create().await?, &id).insert(&value).await?;
            out.quiet(&json!({ "inserted": inserted }))
        }
        SortedCommand::Remove { id, value } => {
            let value = input::text(value)?;
            if !set(place.open().await?, &id).remove(&value).await? {
                return Err(Failure::not_found(format!("sorted set {id:?} has no such value")));
            }
            out.quiet(&json!({ "removed": true }))
        }
        SortedCommand::Flatten { id, limit, descending } => {
            let set = set(place.open().await?, &id);
            let values = if descending { set.descending() } else { set.flatten() };
            let mut values = values.take(limit.unwrap_or(usize::MAX));
            while let Some(value) = values.try_next().await.map_err(reading(&id))? {
                out.line(&value, &json!({ "value": value }))?;
            }
            Ok(())
        }
        SortedCommand::Len { id } => {
            let len = set(place.open().await?, &id).len().await?;
            out.line(len, &json!({ "len": len }))
        }
    }
}

fn set(entities: Executor, id: &str) -> SortedSet<String> {
    entities.sorted(id)
}

fn reading(id: &str) -> impl FnOnce(DbaError) -> Failure {
    Failure::reading("sorted set", id)
}
