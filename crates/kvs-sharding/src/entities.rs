//! Messages at the owner of their entity.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kvs_core::Value;
use kvs_core::env::{Background, uncancelled};
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::{Config, TEXT_BYTES_MAX};
use crate::error::Cause;
use crate::handler::{Call, Handled, Handler};
use crate::table::{Entered, Table, TurnOf};

/// Shortest pause between two looks at the idle entities.
const SWEEP_PAUSE_MIN: Duration = Duration::from_millis(10);

/// Which entities are whose.
pub(crate) trait Shards: Send + Sync + 'static {
    /// The shard of an entity: what is handed over as a whole.
    fn of(&self, entity: &[u8]) -> u32;

    /// Says why if this node is not the entity's owner.
    fn check(&self, entity: &[u8]) -> Result<(), Cause>;
}

/// The entities of one region at this node.
pub(crate) struct Entities<H: Handler> {
    handler: H,
    table: Arc<Table<H::State>>,
    shards: Box<dyn Shards>,
    _sweeper: Option<Background>,
}

impl<H: Handler> Entities<H> {
    pub(crate) fn new(handler: H, config: &Config, shards: Box<dyn Shards>) -> Self {
        let keep = handler.keep();
        let table = Arc::new(Table::new(keep, config.mailbox_max, config.idle_max));
        let sweeper = (!keep.is_zero()).then(|| Background::run(sweep(table.clone(), keep)));
        Self { handler, table, shards, _sweeper: sweeper }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn hand_over(&self, shard: u32) {
        self.table.hand_over(shard);
    }

    /// Hands over whatever is not this node's.
    #[cfg(feature = "cluster")]
    pub(crate) fn hand_over_lost(&self) {
        self.table.hand_over_if(|entity| self.shards.check(entity).is_err());
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Runs one message when its turn has come.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        call: Call,
        message: H::Message,
    ) -> Result<H::Reply, Cause> {
        let deadline = call.deadline;
        let shard = self.shards.of(&call.entity);
        let entered = self.table.enter((shard, call.entity.clone()))?;
        let turn = entered.turn(deadline).await?;
        // What was lost before is known here; what is lost from now on lets this message end.
        self.shards.check(&call.entity)?;
        let this = self.clone();
        // Runs in the caller's task as long as it doesn't wait, and to its end in any case.
        let handling = uncancelled(async move { this.handle(&call, message, turn, entered).await });
        let (handled, _entered) = handling.await;
        match handled? {
            Handled::Now(reply) => Ok(reply),
            Handled::Failed(failure) => Err(failure.into()),
            Handled::Later(reply) => Ok(guarded(deadline, reply).await??),
        }
    }

    async fn handle(
        &self,
        call: &Call,
        message: H::Message,
        mut turn: TurnOf<H::State>,
        entered: Entered<H::State>,
    ) -> (Result<Handled<H::Reply>, Cause>, Entered<H::State>) {
        // While the handler has it, the state is not in its place: if the handler is cut off, the
        // next message makes a new one.
        let state = turn.take_state();
        let handling = guarded(call.deadline, async {
            let mut state = match state {
                Some(state) => state,
                None => self.handler.activate(&call.entity).await,
            };
            let handled = self.handler.handle(&mut state, message, call).await;
            (handled, state)
        });
        let handled = handling.await.map(|(handled, state)| {
            turn.put_state(state);
            handled
        });
        (handled, entered)
    }
}

/// Runs what somebody else wrote: it ends at the deadline, and a panic ends only itself.
async fn guarded<T>(deadline: Instant, future: impl Future<Output = T>) -> Result<T, Cause> {
    match timeout_at(deadline, AssertUnwindSafe(future).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(Cause::Panicked { message: text_of(&*panic) }),
        Err(_elapsed) => Err(Cause::Deadline),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("it did not say why");
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default().to_owned()
}

async fn sweep<S>(table: Arc<Table<S>>, keep: Duration) {
    loop {
        sleep((keep / 2).max(SWEEP_PAUSE_MIN)).await;
        table.sweep();
    }
}

/// Checks a message's id.
pub(crate) fn check_id(id: &[u8]) -> Result<(), Cause> {
    kvs_core::limits::check_partition(id)
        .map_err(|error| limit(error.what, error.found, error.limit))
}

/// The bytes of a message, within the limit.
pub(crate) fn encode_message(message: &impl Value, config: &Config) -> Result<Vec<u8>, Cause> {
    let bytes = message.to_bytes();
    let bytes = bytes.map_err(|error| Cause::Encode { detail: error.to_string() })?;
    if bytes.len() > config.message_bytes_max {
        let what = "message length in bytes";
        return Err(limit(what, bytes.len(), config.message_bytes_max));
    }
    Ok(bytes)
}

/// The bytes of a reply, within the limit.
pub(crate) fn encode_reply(reply: &impl Value, config: &Config) -> Result<Vec<u8>, Cause> {
    let bytes = reply.to_bytes();
    let bytes = bytes.map_err(|error| Cause::Reply { detail: error.to_string() })?;
    let (found, limit) = (bytes.len(), config.reply_bytes_max);
    if found > limit {
        return Err(Cause::ReplyTooLarge { found: number(found), limit: number(limit) });
    }
    Ok(bytes)
}

fn limit(what: &str, found: usize, limit: usize) -> Cause {
    Cause::Limit { what: what.to_owned(), found: number(found), limit: number(limit) }
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
