//! `kvs feed`: numbered entries, newest first.

use futures_util::{StreamExt, TryStreamExt};
use kvs::entities::Executor;
use kvs::{DbaError, Eid, Entry, Feed};
use serde_json::json;

use crate::cli::FeedCommand;
use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::place::Place;

pub(crate) async fn run(command: FeedCommand, place: &Place, out: &mut Output) -> Result {
    match command {
        FeedCommand::Add { id, value } => {
            let value = input::text(value)?;
            let eid = feed(place.open_or_create().await?, &id).add(&value).await?;
            out.line(eid, &json!({ "eid": eid }))
        }
        FeedCommand::All { id, from, limit } => {
            let entries = feed(place.open().await?, &id).all(from.map(Eid));
            let mut entries = entries.take(limit.unwrap_or(usize::MAX));
            while let Some(entry) = entries.try_next().await.map_err(reading(&id))? {
                print(&entry, out)?;
            }
            Ok(())
        }
        FeedCommand::Get { id, eid } => {
            let entry = feed(place.open().await?, &id).get(Eid(eid)).await;
            one(entry, &id, || format!("feed {id:?} has no entry {eid}"), out)
        }
        FeedCommand::Head { id } => {
            let entry = feed(place.open().await?, &id).head().await;
            one(entry, &id, || format!("feed {id:?} has no entries"), out)
        }
        FeedCommand::Next { id, eid } => {
            let entry = feed(place.open().await?, &id).next(Eid(eid)).await;
            one(entry, &id, || format!("feed {id:?} has no entry older than {eid}"), out)
        }
        FeedCommand::Prev { id, eid } => {
            let entry = feed(place.open().await?, &id).prev(Eid(eid)).await;
            one(entry, &id, || format!("feed {id:?} has no entry newer than {eid}"), out)
        }
        FeedCommand::Len { id } => {
            let len = feed(place.open().await?, &id).len().await?;
            out.line(len, &json!({ "len": len }))
        }
        FeedCommand::Remove { id, eid } => {
            if !feed(place.open().await?, &id).remove(Eid(eid)).await? {
                return Err(Failure::not_found(format!("feed {id:?} has no entry {eid}")));
            }
            out.quiet(&json!({ "removed": eid }))
        }
        FeedCommand::RemoveAfter { id, eid } => {
            let entries = feed(place.open().await?, &id).remove_after(Eid(eid)).await?;
            out.line(entries, &json!({ "entries": entries }))
        }
        FeedCommand::Clear { id } => {
            let entries = feed(place.open().await?, &id).clear().await?;
            out.line(entries, &json!({ "entries": entries }))
        }
        FeedCommand::Cleanup { id } => {
            let entries = feed(place.open().await?, &id).cleanup().await?;
            out.line(entries, &json!({ "entries": entries }))
        }
    }
}

fn feed(entities: Executor, id: &str) -> Feed<String> {
    entities.feed(id)
}

fn reading(id: &str) -> impl FnOnce(DbaError) -> Failure {
    Failure::reading("feed", id)
}

fn print(entry: &Entry<String>, out: &mut Output) -> Result {
    out.line(format_args!("{}\t{}", entry.eid, entry.value), entry)
}

/// Prints the entry that was asked for, or says that there is none.
fn one(
    entry: kvs::Result<Option<Entry<String>>, DbaError>,
    id: &str,
    none: impl FnOnce() -> String,
    out: &mut Output,
) -> Result {
    match entry.map_err(reading(id))? {
        Some(entry) => print(&entry, out),
        None => Err(Failure::not_found(none())),
    }
}
