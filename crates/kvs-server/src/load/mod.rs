//! `kvs load`: football matches into a server, one record each, whatever happens to its nodes
//! meanwhile.
//!
//! A record counts as loaded when a server has acknowledged it, and not before. What isn't
//! acknowledged is put again: the same bytes under the same key, so that it does no harm if the
//! first attempt turns out to have been applied.
//!
//! - [`records`]: matches as keys and values. [`receipts`]: what was acknowledged.
//! - [`each`]: something done with every record, over several connections, again and again.

mod each;
mod receipts;
mod records;

use serde::Serialize;

use crate::cli::LoadArgs;
use crate::client::ConnectArgs;
use crate::demo;
use crate::error::{Failure, Result};
use crate::output::Output;
use each::{Done, Each, Work};
use receipts::Receipts;

/// What loading has done.
#[derive(Debug, Serialize)]
struct Summary {
    /// Records to load.
    found: usize,
    /// Records that were acknowledged.
    loaded: usize,
    /// Attempts beyond the first.
    retried: usize,
    /// Records that were not acknowledged, tried or not.
    failed: usize,
    /// How long it took, without reading back.
    seconds: f64,
    /// Records that were read back as they should be, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<usize>,
}

/// Loads, and reads back if that is asked for.
pub(crate) async fn run(args: &LoadArgs, connect: &ConnectArgs, out: &mut Output) -> Result {
    let records = records::of(&demo::matches(args.file.as_deref())?.matches)?;
    let receipts = Receipts::create(args.acknowledged.as_deref())?;
    let password = connect.password()?;
    // What is wrong from the start is told at once, not after the patience.
    connect.open_one().await?;
    let each = Each {
        records: &records,
        addresses: connect.addresses(),
        password: password.as_deref(),
        clients: args.clients.into(),
        patience: args.patience.0,
        hidden: out.is_json(),
    };
    let put = each.run("loading", &Work::Put(&receipts)).await;
    let mut summary = Summary {
        found: records.len(),
        loaded: put.done,
        retried: put.retried,
        failed: records.len() - put.done,
        seconds: put.seconds,
        verified: None,
    };
    if put.stopped_by.is_some() || !args.verify {
        show(&summary, out)?;
        receipts.check()?;
        return complete(put, &records, "loaded");
    }
    let read = each.run("verifying", &Work::Compare).await;
    summary.verified = Some(read.done);
    show(&summary, out)?;
    receipts.check()?;
    complete(read, &records, "read back as loaded")
}

fn show(summary: &Summary, out: &mut Output) -> Result {
    let Summary { loaded, retried, seconds, .. } = summary;
    let mut plain = format!("loaded {loaded} records in {seconds:.1} s, {retried} retries");
    if let Some(verified) = summary.verified {
        plain += &format!("; {verified} read back as loaded");
    }
    out.line(plain, summary)
}

/// An error unless all is done.
fn complete(done: Done, records: &[records::Record], how: &str) -> Result {
    let total = records.len();
    if done.done == total {
        return Ok(());
    }
    let missing = total - done.done;
    let mut what = format!("{missing} of {total} records are not {how}");
    if let Some(key) = done.different {
        what += &format!("; {key:?} is missing or has another value");
    }
    Err(Failure::Incomplete { what, source: done.stopped_by })
}
