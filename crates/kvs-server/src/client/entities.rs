//! Entities on servers: all typed handles, over `ENTITY.EXEC`.
//!
//! A server executes what comes over one connection in turn, so commands that needn't wait for each
//! other go over several. The callers of a handle see to the order that they want: a command that is
//! sent when the one before it is answered comes after it.
//!
//! What isn't answered, or can't be done now, is sent again to the next server after a pause that
//! doubles each time, for [`PATIENCE`]. Commands that write have an id, the same each time, so they
//! are applied once all the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kvs::entities::{Answer, Command, Entities, Executor};
use kvs::env::Env;
use kvs::{CallOptions, CommandId, DbaError, Outcome};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::{Address, ClientError, ConnectArgs, Link};
use crate::error::{Result, one_line};

/// How many commands are under way at once, each on a connection of its own.
pub(crate) const CONNECTIONS_MAX: usize = 16;
/// How long a command is tried: a cluster that has lost a node has long chosen new owners by then.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause before trying again.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Servers that are asked for entities.
pub(crate) struct RemoteEntities {
    addresses: Vec<Address>,
    password: Option<String>,
    env: Env,
    turns: Semaphore,
    /// Links that nobody uses now.
    idle: Mutex<Vec<Link>>,
    /// How many links were made.
    made: AtomicUsize,
}

impl RemoteEntities {
    /// Entities on the servers, at least one of which can be reached.
    ///
    /// # Errors
    /// That of the last one, or a wrong password: what is wrong from the start is told at once, not
    /// after the patience.
    pub(crate) async fn open(connect: &ConnectArgs) -> Result<Executor> {
        let password = connect.password()?;
        let this = Self::new(connect.addresses().to_vec(), password, Env::system());
        this.reach().await?;
        Ok(Executor::remote(Arc::new(this)))
    }

    /// Entities on these servers, none of which is asked yet.
    pub(crate) fn new(addresses: Vec<Address>, password: Option<String>, env: Env) -> Self {
        Self {
            addresses,
            password,
            env,
            turns: Semaphore::new(CONNECTIONS_MAX),
            idle: Mutex::default(),
            made: AtomicUsize::new(0),
        }
    }

    /// Connects to the first server that can be reached.
    async fn reach(&self) -> Result<(), ClientError> {
        let mut link = self.link();
        let mut failed = ClientError::Nowhere;
        for _ in &self.addresses {
            match link.connection().await {
                Ok(_) => {
                    self.idle().push(link);
                    return Ok(());
                }
                Err(error) if error.is_retryable() => failed = error,
                Err(error) => return Err(error),
            }
            link.move_on();
        }
        Err(failed)
    }

    /// A link that is idle, or a new one. New ones begin at different servers.
    fn link(&self) -> Link {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| {
            let first = self.made.fetch_add(1, Ordering::Relaxed);
            Link::new(&self.addresses, self.password.as_deref(), first)
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries until there is an answer, or the patience is over.
    async fn insist(
        &self,
        link: &mut Link,
        request: &Request<'_>,
        patience: Duration,
    ) -> Result<Answer, DbaError> {
        // None is beyond what a clock can tell.
        let deadline = Instant::now().checked_add(patience);
        let mut pause = PAUSE_MIN;
        let mut outcome = Outcome::NotApplied;
        loop {
            let problem = match request.send(link).await {
                Ok(answer) => match answer.failure() {
                    Some(failure) if failure.is_retryable() => {
                        Problem::from(DbaError::from(failure))
                    }
                    _ => return Ok(answer),
                },
                Err(error) => error.into(),
            };
            // What an earlier attempt may have done, a later one doesn't undo.
            if problem.outcome == Outcome::Unknown && request.id.is_some() {
                outcome = Outcome::Unknown;
            }
            if !problem.is_retryable || deadline.is_some_and(|deadline| Instant::now() >= deadline)
            {
                let Problem { reason, is_retryable, .. } = problem;
                return Err(DbaError::Ring { operation: "command", reason, outcome, is_retryable });
            }
            link.move_on();
            sleep(pause).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
    }
}

/// Everything is read at the owner, which is as fresh as any session asks for; sessions are left as they
/// are.
#[async_trait]
impl Entities for RemoteEntities {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer, DbaError> {
        let is_query = Command::from_bytes(&command)?.is_query();
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        let id = || options.command.unwrap_or_else(|| CommandId::new(&self.env));
        let request = Request { name, command: &command, id: (!is_query).then(id) };
        let mut link = self.link();
        let patience = options.deadline.unwrap_or(PATIENCE);
        let answer = self.insist(&mut link, &request, patience).await;
        self.idle().push(link);
        answer
    }
}

/// A command that is to be executed.
struct Request<'a> {
    name: &'a [u8],
    command: &'a [u8],
    /// What tells it from others, if it writes.
    id: Option<CommandId>,
}

impl Request<'_> {
    /// Sends it once.
    async fn send(&self, link: &mut Link) -> Result<Answer, ClientError> {
        let connection = link.connection().await?;
        connection.execute(self.name, self.command, self.id).await.map(Answer::from_bytes)
    }
}

/// Why an attempt came to nothing.
struct Problem {
    reason: String,
    outcome: Outcome,
    is_retryable: bool,
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let (outcome, is_retryable) = (error.outcome(), error.is_retryable());
        Self { reason: one_line(&error), outcome, is_retryable }
    }
}

impl From<DbaError> for Problem {
    fn from(error: DbaError) -> Self {
        let (outcome, is_retryable) = (error.outcome(), error.is_retryable());
        Self { reason: error.to_string(), outcome, is_retryable }
    }
}
