//! Entities on a ring: commands in the order of their bucket's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use kvs_core::entity::{Begun, Held, Locks, Turn, View, history};
use kvs_core::limits::check_partition;
use kvs_core::{Batch, CallOptions, Dba, DbaError, EntityStore, Outcome, Result, Session};
use tokio::time::{Instant, timeout_at};

use super::bucket::{Answer, BucketLog};
use super::core::Event;
use super::driver::Driver;
use super::entry::{Epoch, Payload};
use super::tail::TailRows;
use super::writes::Writes;
use super::{error, view};

/// How long a command may take if the call has no deadline.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(3);
/// Most commands that wait at one bucket, for their turn or their outcome.
pub const COMMANDS_MAX: usize = 8_192;
/// Most bytes of writes of one bucket that wait for their outcome.
pub const UNCOMMITTED_BYTES_MAX: usize = 64 << 20;

/// [`EntityStore`] at one node of a ring, over the logs of its buckets.
///
/// A command runs at the bucket's owner only. This node takes a bucket over when a command comes and no
/// other owner is there; else it refuses, naming the owner ([`DbaError::NotOwner`]).
#[derive(Clone)]
pub struct Entities {
    driver: Arc<Driver>,
    locks: Arc<Locks>,
}

/// What is held for a turn.
struct Hold {
    bucket: Arc<BucketLog>,
    epoch: Epoch,
    until: Instant,
    session: Option<Session>,
    _counted: Counted,
    held: Held,
}

/// A command that is counted at its bucket.
struct Counted(Arc<BucketLog>);

impl Counted {
    fn new(bucket: &Arc<BucketLog>) -> Result<Self> {
        let counted = Self(bucket.clone());
        if bucket.commands.fetch_add(1, Ordering::Relaxed) < COMMANDS_MAX {
            Ok(counted)
        } else {
            Err(error::busy("too many commands wait there"))
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let commands: &AtomicUsize = &self.0.commands;
        commands.fetch_sub(1, Ordering::Relaxed);
    }
}

fn late() -> DbaError {
    DbaError::Deadline { operation: "command" }
}

impl Entities {
    pub(super) fn new(driver: Arc<Driver>) -> Self {
        Self { driver, locks: Arc::default() }
    }

    fn tail(&self) -> TailRows {
        TailRows { driver: self.driver.clone() }
    }

    /// Hands the command over and ends its turn; then waits for the outcome, which the session has seen.
    async fn submitted(self, turn: Turn, mut writes: Batch, result: Vec<u8>) -> Result<()> {
        let (name, command, hold) = turn.into_parts();
        let Ok(hold) = hold.downcast::<Hold>() else {
            return Err(DbaError::encode("turn", "it was given by another store"));
        };
        let Hold { bucket, epoch, until, session, _counted, held } = *hold;
        if let Some(id) = command {
            history::record(&self.tail(), &name, id, result, &mut writes).await?;
        }
        let (read, outcome) = {
            let payload = if writes.is_empty() { None } else { Some(Writes::new(&name, &writes)?) };
            drop(writes);
            let mut state = bucket.lock();
            if bucket.is_dead() || state.core.serving() != Some(epoch) {
                return Err(error::lost(Outcome::NotApplied));
            }
            let size = payload.as_ref().map_or(0, Payload::size);
            if size > 0 && state.bytes > 0 && state.bytes + size > UNCOMMITTED_BYTES_MAX {
                return Err(error::busy("too many bytes wait for a majority there"));
            }
            let (ticket, outcome) = state.wait(size);
            let event = match payload {
                Some(payload) => Event::Submit { ticket, payloads: vec![payload] },
                // What the command read must last, and must have been the last there was.
                None => Event::Confirm { ticket, upto: state.last },
            };
            let read = state.last;
            self.driver.step_locked(&bucket, &mut state, event, Vec::new());
            (read, outcome)
        };
        drop(held);
        let seen = match timeout_at(until, outcome).await {
            Ok(Ok(Ok(Answer::Done(position)))) => position.seq,
            Ok(Ok(Ok(Answer::Confirmed))) => {
                self.driver.counters.confirmed();
                read
            }
            Ok(Ok(Err(outcome))) => return Err(error::lost(outcome)),
            Ok(Err(_)) => return Err(error::lost(Outcome::Unknown)),
            Err(_elapsed) => {
                let voters = bucket.lock().voters.all().len();
                return Err(error::no_majority(voters, "command", Outcome::Unknown));
            }
        };
        if let Some(session) = session {
            view::advance(&session, bucket.id, seen);
        }
        Ok(())
    }
}

#[async_trait]
impl EntityStore for Entities {
    async fn begin(&self, name: Arc<[u8]>, options: &CallOptions) -> Result<Begun> {
        check_partition(&name)?;
        let until = until(options)?;
        let mut bucket = self.driver.bucket_of(&name).await?;
        let counted = Counted::new(&bucket)?;
        let held = self.locks.lock(&name);
        let held = timeout_at(until, held).await.map_err(|_elapsed| late())?;
        let epoch = self.driver.own(&mut bucket, &name, until).await?;
        let session = options.session.clone();
        if let Some(id) = options.command {
            if let Some(result) = history::find(&self.tail(), &name, id).await? {
                // It may not be committed yet, and counts once it is.
                let hold = Hold { bucket, epoch, until, session, _counted: counted, held };
                let turn = Turn::new(name, None, hold);
                self.clone().submitted(turn, Batch::new(), Vec::new()).await?;
                return Ok(Begun::Done(result));
            }
            history::check_time(&name, id, self.driver.env.clock.now_ms())?;
        }
        let hold = Hold { bucket, epoch, until, session, _counted: counted, held };
        Ok(Begun::Turn(Turn::new(name, options.command, hold)))
    }

    fn submit(&self, turn: Turn, writes: Batch, result: Vec<u8>) -> BoxFuture<'static, Result<()>> {
        Box::pin(self.clone().submitted(turn, writes, result))
    }

    fn confirms_reads(&self) -> bool {
        true
    }

    async fn view(&self, name: &[u8], options: &CallOptions) -> Result<Option<View>> {
        check_partition(name)?;
        let view = view::begin(&self.driver, name, options).await?;
        if view.is_some() {
            self.driver.counters.viewed();
        }
        Ok(view)
    }

    fn rows(&self) -> Arc<dyn Dba> {
        Arc::new(self.tail())
    }
}

/// Until when a call that begins now may take.
fn until(options: &CallOptions) -> Result<Instant> {
    let wait = options.deadline.unwrap_or(COMMAND_TIMEOUT);
    if wait.is_zero() {
        return Err(late());
    }
    Ok(Instant::now() + wait.min(Duration::from_secs(24 * 3600)))
}
