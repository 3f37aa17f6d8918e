//! `kvs sorted`: distinct values in order.

use futures_util::{StreamExt, TryStreamExt};
use kvs::{DbaError, Kvs, SortedSet};
use serde_json::json;

use crate::cli::SortedCommand;
use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::store::StoreArgs;

pub(crate) async fn run(command: SortedCommand, store: &StoreArgs, out: &mut Output) -> Result {
    match command {
        SortedCommand::Insert { id, value } => {
            let value = input::text(value)?;
            let inserted = set(store.open_or_create().await?, &id).insert(&value).await?;
            out.quiet(&json!({ "inserted": inserted }))
        }
        SortedCommand::Remove { id, value } => {
            let value = input::text(value)?;
            if !set(store.open().await?, &id).remove(&value).await? {
                return Err(Failure::not_found(format!("sorted set {id:?} has no such value")));
            }
            out.quiet(&json!({ "removed": true }))
        }
        SortedCommand::Flatten { id, limit, descending } => {
            let set = set(store.open().await?, &id);
            let values = if descending { set.descending() } else { set.flatten() };
            let mut values = values.take(limit.unwrap_or(usize::MAX));
            while let Some(value) = values.try_next().await.map_err(reading(&id))? {
                out.line(&value, &json!({ "value": value }))?;
            }
            Ok(())
        }
        SortedCommand::Len { id } => {
            let len = set(store.open().await?, &id).len().await?;
            out.line(len, &json!({ "len": len }))
        }
    }
}

fn set(kvs: Kvs, id: &str) -> SortedSet<String> {
    kvs.sorted(id)
}

fn reading(id: &str) -> impl FnOnce(DbaError) -> Failure {
    Failure::reading("sorted set", id)
}
