//! Entities behind a region of sharding.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::codec::Raw;
use kvs_core::env::Env;
use kvs_core::{CallOptions, DbaError, EntityStore, Result};
use kvs_sharding::{Call, Handled, Handler, Region};

use crate::answer::{Answer, Failure};
use crate::entity::Entities;
use crate::execute::start;
use crate::session;

/// The name of the region of all entities.
pub const REGION: &str = "entities";

/// The region of all entities: encoded commands go in, encoded answers come out.
pub type EntityRegion = Region<Raw, Raw>;

/// Runs the commands of entities where their owner is: the handler of an [`EntityRegion`].
///
/// ```
/// use std::sync::Arc;
/// use kvs_consistency::{EntityHandler, Executor, REGION};
/// use kvs_core::entity::LocalEntities;
/// use kvs_core::env::Env;
/// use kvs_core::{RowKind, Store};
/// use kvs_sharding::LocalSharding;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
/// let handler = EntityHandler::new(Arc::new(store), Env::system());
/// let region = LocalSharding::default().start(REGION, handler)?;
/// let entities = Executor::remote(Arc::new(region));
/// assert_eq!(entities.register::<i64>("visitors").increment(2).await?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct EntityHandler {
    store: Arc<dyn EntityStore>,
    env: Env,
}

impl EntityHandler {
    /// Commands run on the entities in `store`.
    pub fn new(store: Arc<dyn EntityStore>, env: Env) -> Self {
        Self { store, env }
    }
}

#[async_trait]
impl Handler for EntityHandler {
    type Message = Raw;
    type Reply = Raw;
    type State = ();

    async fn activate(&self, _entity: &[u8]) {}

    async fn handle(&self, (): &mut (), Raw(message): Raw, call: &Call) -> Handled<Raw> {
        let (command, session) = session::command(&message);
        let mut options = call.options();
        options.session.clone_from(&session);
        let name = call.entity().clone();
        let started = start(&*self.store, name, command, &options, &self.env).await;
        let (answer, submitted) = match started {
            Ok(started) => started,
            Err(failure) => {
                return match replied(failure) {
                    Ok(reply) => Handled::Now(reply),
                    Err(failure) => Handled::Failed(failure),
                };
            }
        };
        let reply = move || Raw(session::reply(answer, session.as_ref()));
        match submitted {
            None => Handled::Now(reply()),
            Some(submitted) => Handled::Later(Box::pin(async move {
                match submitted.await {
                    Ok(()) => Ok(reply()),
                    Err(error) => replied(error.into()),
                }
            })),
        }
    }

    fn keep(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

/// The reply that says why a command failed; or, if that is for sharding to act on, what it is told.
fn replied(failure: Failure) -> Result<Raw, kvs_sharding::Failure> {
    let for_sharding = match &failure {
        Failure::Dba(error) => kvs_sharding::Failure::of_store(error),
        _ => None,
    };
    match for_sharding {
        Some(failure) => Err(failure),
        None => Ok(Raw(Answer::failed(&failure).into_bytes())),
    }
}

/// Everything is read at the owner, which is as fresh as any session asks for. A session advances with
/// what it reads and writes there.
#[async_trait]
impl Entities for EntityRegion {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer> {
        let session = options.session.as_ref();
        let message = if session.is_some() { session::message(command) } else { command };
        let reply = self.send_with(name, Raw(message), options).await;
        let Raw(reply) = reply.map_err(DbaError::from)?;
        session::answer(reply, session)
    }
}
