//! The way in.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::{CallOptions, Value};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::{Config, DEADLINE_MAX, REGION_NAME_BYTES_MAX};
use crate::entities::check_id;
use crate::error::{Cause, SendError, StartError};
use crate::handler::Call;
use crate::lines::Lines;

/// Where the messages of one kind of entity go: to the entity's owner, wherever that is.
///
/// `M` are the messages, `R` their replies; a message of another type is refused by the compiler:
///
/// ```compile_fail
/// # async fn example(region: kvs_sharding::Region<u64, String>) {
/// let _ = region.send(b"entity", "not a number").await;
/// # }
/// ```
///
/// Clones are the same region.
pub struct Region<M, R> {
    name: Arc<str>,
    config: Config,
    lines: Arc<Lines<Arc<[u8]>>>,
    route: Arc<dyn Route<M, R>>,
}

impl<M: Value, R: Value> Region<M, R> {
    pub(crate) fn new(name: &str, config: &Config, route: Arc<dyn Route<M, R>>) -> Self {
        let lines = Arc::new(Lines::new(config.callers_max));
        Self { name: name.into(), config: config.clone(), lines, route }
    }

    /// The region's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a message to the entity `id` (1 to 1,024 bytes) and waits for its reply.
    ///
    /// Messages from one caller that waits for each reply are handled in that order; of messages that
    /// are under way at once any may be first. If the future is dropped, the message may be handled
    /// or not.
    pub async fn send(&self, id: &[u8], message: M) -> Result<R, SendError> {
        self.send_with(id, message, &CallOptions::default()).await
    }

    /// [`send`](Self::send) with a deadline or a command id of its own. The other options are for
    /// messages to carry themselves.
    ///
    /// The command id is handed to the handler. With one the message is sent again if an answer is
    /// lost, so the handler may get it more than once.
    pub async fn send_with(
        &self,
        id: &[u8],
        message: M,
        options: &CallOptions,
    ) -> Result<R, SendError> {
        let deadline = options.deadline.unwrap_or(self.config.deadline).min(DEADLINE_MAX);
        let call = Call {
            entity: id.into(),
            command: options.command,
            deadline: Instant::now() + deadline,
        };
        let reply = self.routed(call, message).await;
        reply.map_err(|cause| SendError::new(&self.name, id, cause))
    }

    async fn routed(&self, call: Call, message: M) -> Result<R, Cause> {
        check_id(&call.entity)?;
        let _passed = self.lines.enter(&call.entity, call.deadline).await?;
        self.route.route(call, message).await
    }

    /// How many entities of this region are in memory at this node: in use, or idle for a while.
    pub fn entities(&self) -> usize {
        self.route.entities()
    }
}

impl<M, R> Clone for Region<M, R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            config: self.config.clone(),
            lines: self.lines.clone(),
            route: self.route.clone(),
        }
    }
}

impl<M, R> fmt::Debug for Region<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The way from here to the owner.
#[async_trait]
pub(crate) trait Route<M, R>: Send + Sync + 'static {
    async fn route(&self, call: Call, message: M) -> Result<R, Cause>;

    fn entities(&self) -> usize;
}

/// Checks what a region is started with.
pub(crate) fn check_start(name: &str, config: &Config) -> Result<(), StartError> {
    if name.is_empty() || name.len() > REGION_NAME_BYTES_MAX {
        return Err(StartError::Name { found: name.len(), limit: REGION_NAME_BYTES_MAX });
    }
    let allowed = 1..=Semaphore::MAX_PERMITS;
    if !allowed.contains(&config.callers_max) || !allowed.contains(&config.calls_max) {
        return Err(StartError::Config { detail: "callers_max or calls_max is 0 or too large" });
    }
    if config.mailbox_max <= config.callers_max {
        return Err(StartError::Config { detail: "mailbox_max is not larger than callers_max" });
    }
    Ok(())
}
