//! `kvs dump`: the whole store in one zip file.

use indicatif::HumanCount;
use serde_json::json;

use crate::cli::DumpCommand;
use crate::error::Result;
use crate::input;
use crate::output::Output;
use crate::progress::{self, Unit};
use crate::store::StoreArgs;

pub(crate) async fn run(command: DumpCommand, store: &StoreArgs, out: &mut Output) -> Result {
    match command {
        DumpCommand::Save { path } => {
            let kvs = store.open().await?;
            let bar = progress::bar(out.is_json(), "saving", Unit::Rows, None);
            let rows = kvs.save(&path, |progress| bar.set_position(progress.rows)).await?;
            drop(bar);
            out.line(format_args!("saved {} rows", HumanCount(rows)), &json!({ "rows": rows }))
        }
        DumpCommand::Load { path } => {
            // So that a wrong path leaves no new store behind.
            input::open(&path)?;
            let kvs = store.open_or_create().await?;
            let bar = progress::bar(out.is_json(), "loading", Unit::Rows, Some(0));
            let rows = kvs.load(&path, move |progress| {
                bar.set_length(progress.total.unwrap_or(progress.rows));
                bar.set_position(progress.rows);
            });
            let rows = rows.await?;
            out.line(format_args!("loaded {} rows", HumanCount(rows)), &json!({ "rows": rows }))
        }
    }
}
