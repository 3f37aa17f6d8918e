//! Reads at a replica: the rows of an entity as of one position, without asking anybody.
//!
//! The rows go on changing while a query reads them, one row after the other. So it begins with what is
//! committed here and lays that over the rows, whether it is among them yet or not: a write replaces
//! whole rows, so that it may be laid over what it has written itself. When the query is done it counts
//! if nothing of its entity was committed meanwhile.
//!
//! Of a position the number is enough: at each place of a log at most one entry is ever committed.

use std::sync::Arc;
use std::time::Duration;

use kvs_core::entity::{Scope, View};
use kvs_core::session::Reached;
use kvs_core::{CallOptions, Consistency, Dba, Result, Session};
use tokio::time::{Instant, timeout_at};

use super::bucket::BucketLog;
use super::driver::Driver;
use super::tail::CommittedRows;
use super::writes::{Writes, Written};
use crate::hash::Bucket;

/// How long a replica is waited for that has yet to hear of what a session has seen. A round trip to the
/// owner takes no longer.
const WAIT: Duration = Duration::from_millis(5);

/// Notes that a session has seen a bucket up to `seq`.
pub(super) fn advance(session: &Session, bucket: Bucket, seq: u64) {
    session.advance(bucket.0, &seq.to_be_bytes());
}

/// What a replica of a bucket must have for a read with these options; `None` if that isn't known, or
/// only the owner will do.
fn at_least(options: &CallOptions, bucket: Bucket) -> Option<u64> {
    match (options.consistency, &options.session) {
        (Consistency::Eventual, _) => Some(0),
        (Consistency::Session, Some(session)) => match session.reached(bucket.0) {
            Reached::Nothing => Some(0),
            Reached::Position(position) => Some(u64::from_be_bytes(position.try_into().ok()?)),
            Reached::Forgotten => None,
        },
        _ => None,
    }
}

/// See [`EntityStore::view`](kvs_core::EntityStore::view).
pub(super) async fn begin(
    driver: &Arc<Driver>,
    name: &[u8],
    options: &CallOptions,
) -> Result<Option<View>> {
    // Who is no replica, or can't be one now, has no rows to show.
    let Ok(bucket) = driver.bucket_of(name).await else { return Ok(None) };
    let Some(at_least) = at_least(options, bucket.id) else { return Ok(None) };
    let until = Instant::now() + options.deadline.map_or(WAIT, |deadline| deadline.min(WAIT));
    let mut progress = bucket.progress.subscribe();
    loop {
        progress.mark_unchanged();
        if let Some((seq, over)) = committed(&bucket, name, at_least)? {
            let rows: Arc<dyn Dba> = Arc::new(CommittedRows { driver: driver.clone() });
            let rows = match over.is_empty() {
                true => rows,
                false => Arc::new(Scope::over(name, rows, over)),
            };
            let (name, session): (Arc<[u8]>, _) = (name.into(), options.session.clone());
            return Ok(Some(View::new(rows, move || {
                let stood_still = stood_still(&bucket, &name, seq);
                if let Some(session) = session.filter(|_| stood_still) {
                    advance(&session, bucket.id, seq);
                }
                stood_still
            })));
        }
        if !matches!(timeout_at(until, progress.changed()).await, Ok(Ok(()))) {
            return Ok(None);
        }
    }
}

/// The last entry that is committed here, and those of its writes to `name` and of the ones before that
/// may not be among the rows yet; `None` if too little is there for `at_least`.
fn committed(bucket: &BucketLog, name: &[u8], at_least: u64) -> Result<Option<(u64, Written)>> {
    let state = bucket.lock();
    let log = state.core.log();
    let applied = bucket.now().applied;
    // What is trimmed before it is among the rows comes with a snapshot.
    if bucket.is_dead() || log.doubt.is_some() || log.commit < at_least || log.floor.seq > applied {
        return Ok(None);
    }
    let mut over = Written::new();
    for writes in between(&state.core, applied, log.commit).filter(|it| it.are_of(name)) {
        writes.for_each(|clustering, value| {
            over.insert(clustering.to_vec(), value.map(<[u8]>::to_vec));
        })?;
    }
    Ok(Some((log.commit, over)))
}

/// Whether nothing of `name` was committed here after `seq`.
fn stood_still(bucket: &BucketLog, name: &[u8], seq: u64) -> bool {
    let state = bucket.lock();
    let log = state.core.log();
    let is_known = !bucket.is_dead() && log.floor.seq <= seq;
    is_known && !between(&state.core, seq, log.commit).any(|writes| writes.are_of(name))
}

/// What the entries after one and up to another write.
fn between(
    core: &super::core::Core<Writes>,
    after: u64,
    upto: u64,
) -> impl Iterator<Item = &Writes> {
    let entries = core.log().entries.range(after.saturating_add(1)..);
    let entries = entries.take_while(move |(seq, _)| **seq <= upto);
    entries.filter_map(|(_, entry)| entry.payload.as_ref())
}
