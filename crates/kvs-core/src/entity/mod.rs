//! Entities: names whose commands run one at a time.
//!
//! A feed or a leaderboard is more than one row, and a command on it reads before it writes. So each
//! is an *entity*: the rows of one partition (of kind [`RowKind::Entity`](crate::RowKind)), and
//! commands on it that
//!
//! - run one after another, in one order; commands of different entities don't wait for each other;
//! - write all of their rows in one atomic batch, or nothing;
//! - are applied once, if they carry a [`CommandId`]: a repeated one gets the first one's result.
//!
//! [`EntityStore`] is that promise; [`LocalEntities`] keeps it within one process, over any
//! [`Dba`]. [`run`] runs one command: it waits for the entity's turn, hands the command a [`Scope`],
//! and submits what the command wrote there.
//!
//! ```
//! use std::sync::Arc;
//! use kvs_core::entity::{self, LocalEntities};
//! use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Key, RowKind, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
//! let options = CallOptions::default();
//! for expected in 1..=3 {
//!     let count = entity::run(&store, *b"counter", &options, |scope| async move {
//!         let key = Key::new("counter", [0x10]);
//!         let count = scope.get(&key).await?.map_or(0, |bytes| bytes[0]) + 1;
//!         scope.put(&key, vec![count]).await?;
//!         Ok::<u8, DbaError>(count)
//!     });
//!     assert_eq!(count.await?, expected);
//! }
//! # Ok::<(), DbaError>(()) }).unwrap();
//! ```
//!
//! # Rows of an entity
//! | clustering key | holds |
//! |---|---|
//! | empty | the [`header`]: the entity's type, and the state its type keeps |
//! | `0x00` … | results of commands by id |
//! | `0x10` and up | the type's own rows |

mod command;
pub mod header;
mod headers;
pub mod history;
mod local;
mod locks;
mod scope;
mod view;
mod written;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use crate::batch::Batch;
use crate::codec::Value;
use crate::dba::Dba;
use crate::error::{DbaError, Result};
use crate::options::CallOptions;

pub use command::CommandId;
pub use history::RESULTS_KEPT;
pub use local::LocalEntities;
pub use locks::{Held, Locks};
pub use scope::Scope;
pub use view::View;

/// Runs commands of entities in order. See the [module](self) for the promise.
#[async_trait]
pub trait EntityStore: Send + Sync + 'static {
    /// Waits until it is the caller's turn on the entity `name`.
    ///
    /// With a command id in `options` that was applied before, it gives that command's result
    /// instead. The deadline in `options` bounds the waiting. A session in `options` has seen what the
    /// command read and wrote once its outcome is known, in a store that has replicas.
    async fn begin(&self, name: Arc<[u8]>, options: &CallOptions) -> Result<Begun>;

    /// Hands over the command that has the turn: its writes and its result, one batch. The future
    /// gives the outcome.
    ///
    /// The turn ends when a next command sees the writes, which may be before they are sure to last;
    /// the next command then lasts only if this one does. If the future is dropped the batch is
    /// applied whole or not at all; the turn ends either way.
    fn submit(&self, turn: Turn, writes: Batch, result: Vec<u8>) -> BoxFuture<'static, Result<()>>;

    /// Whether a command that wrote nothing may be answered only once it has been submitted like one
    /// that did: where what it read might not last, or might be out of date.
    fn confirms_reads(&self) -> bool {
        false
    }

    /// The rows of the entity `name` as of one moment, without a turn, for a query that `options` allow to
    /// see less than all that was ever answered: at least what their session has seen, or whatever there
    /// is ([`Consistency`](crate::Consistency)). `None` if this store hasn't got them, nor in a moment;
    /// then only a command will do. A store without replicas never has: there a turn costs no more.
    async fn view(&self, _name: &[u8], _options: &CallOptions) -> Result<Option<View>> {
        Ok(None)
    }

    /// The rows of all entities, as the command that has the turn sees them.
    fn rows(&self) -> Arc<dyn Dba>;
}

/// The answer to [`EntityStore::begin`].
pub enum Begun {
    /// It is the caller's turn.
    Turn(Turn),
    /// The command was applied before; this was its result.
    Done(Vec<u8>),
}

/// The right to run one command on an entity. Dropping it ends the turn with nothing changed.
pub struct Turn {
    name: Arc<[u8]>,
    command: Option<CommandId>,
    hold: Box<dyn Any + Send>,
}

impl Turn {
    /// The turn of `command` on the entity `name`, which lasts as long as `hold` is held.
    pub fn new(name: Arc<[u8]>, command: Option<CommandId>, hold: impl Any + Send) -> Self {
        Self { name, command, hold: Box::new(hold) }
    }

    /// The name, the command's id, and what is held for the turn: for the store that gave it.
    pub fn into_parts(self) -> (Arc<[u8]>, Option<CommandId>, Box<dyn Any + Send>) {
        (self.name, self.command, self.hold)
    }

    /// The entity's name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The command's id, if it has one.
    pub fn command(&self) -> Option<CommandId> {
        self.command
    }
}

/// Runs `command` on the entity `name`.
///
/// The command reads and writes through its [`Scope`]; what it wrote is applied when it returns
/// `Ok`, and nothing of it otherwise. Its answer is kept if it has a command id, so that the same
/// command again gets the same answer.
pub async fn run<T, E, F>(
    store: &dyn EntityStore,
    name: impl Into<Arc<[u8]>>,
    options: &CallOptions,
    command: impl FnOnce(Arc<Scope>) -> F,
) -> Result<T, E>
where
    T: Value,
    E: From<DbaError>,
    F: Future<Output = Result<T, E>>,
{
    let (answer, submitted) = start(store, name, options, command).await?;
    if let Some(submitted) = submitted {
        submitted.await?;
    }
    Ok(answer)
}

/// What a command answers, and the future that says whether it lasts; `None` if that is sure.
pub type Started<T> = (T, Option<BoxFuture<'static, Result<()>>>);

/// Runs `command` on the entity `name` as [`run`] does, up to the point where it is submitted.
///
/// The answer counts once the future is done with `Ok`. The future has to be polled: its first poll
/// is what hands the command over, and the next one's turn comes after that. So whoever runs many
/// commands of one entity can let each begin while those before it are still on their way.
pub async fn start<T, E, F>(
    store: &dyn EntityStore,
    name: impl Into<Arc<[u8]>>,
    options: &CallOptions,
    command: impl FnOnce(Arc<Scope>) -> F,
) -> Result<Started<T>, E>
where
    T: Value,
    E: From<DbaError>,
    F: Future<Output = Result<T, E>>,
{
    let name = name.into();
    let turn = match store.begin(name.clone(), options).await? {
        Begun::Turn(turn) => turn,
        Begun::Done(result) => return Ok((T::from_bytes(&result)?, None)),
    };
    let scope = Arc::new(Scope::new(name, store.rows()));
    let answer = command(scope.clone()).await?;
    let writes = scope.take();
    let submitted = match turn.command() {
        None if writes.is_empty() && !store.confirms_reads() => None,
        None => Some(store.submit(turn, writes, Vec::new())),
        Some(_) => Some(store.submit(turn, writes, answer.to_bytes()?)),
    };
    Ok((answer, submitted))
}
