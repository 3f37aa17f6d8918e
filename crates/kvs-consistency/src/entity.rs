//! Where entities are, and one of them by name.

use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::entity::{self, Scope, header};
use kvs_core::env::Env;
use kvs_core::file::Files;
use kvs_core::{CallOptions, Dba, DbaError, EntityStore, Result, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::{Answer, Failure};
use crate::command::Command;
use crate::directories::RemoteDirectories;
use crate::execute::execute;
use crate::{Feed, Leaderboard, Register, SortedSet};

/// Entities that may be elsewhere: brings commands to their owners.
#[async_trait]
pub trait Entities: Send + Sync + 'static {
    /// Has the owner of the entity `name` [execute](crate::execute) a command, and gives the answer.
    ///
    /// # Errors
    /// Whatever kept the command from its owner, or the answer from coming back. That the command
    /// failed where it ran is an answer.
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer>;
}

/// Where entities are, and so how their commands run. Hands out the typed handles.
///
/// *Local* entities are in this process: commands run in the caller's task, with nothing encoded but
/// what is stored, and reads go straight to the rows. The commands of *remote* ones are sent to their
/// owner, and a read is a query to it, one round trip a page.
#[derive(Clone)]
pub struct Executor(Place);

#[derive(Clone)]
enum Place {
    Local { store: Arc<dyn EntityStore>, env: Env },
    Remote(Arc<dyn Entities>),
}

impl Executor {
    /// Entities in this process.
    pub fn local(store: Arc<dyn EntityStore>, env: Env) -> Self {
        Self(Place::Local { store, env })
    }

    /// Entities that may be elsewhere.
    pub fn remote(entities: Arc<dyn Entities>) -> Self {
        Self(Place::Remote(entities))
    }

    /// The feed `name` of entries of type `T`.
    pub fn feed<T: Value>(&self, name: impl Into<Vec<u8>>) -> Feed<T> {
        Feed::new(self.entity(name))
    }

    /// The sorted set `name` of elements of type `T`.
    pub fn sorted<T>(&self, name: impl Into<Vec<u8>>) -> SortedSet<T>
    where
        T: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        SortedSet::new(self.entity(name))
    }

    /// The leaderboard `name` of members of type `M`.
    pub fn leaderboard<M>(&self, name: impl Into<Vec<u8>>) -> Leaderboard<M>
    where
        M: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Leaderboard::new(self.entity(name))
    }

    /// The register `name` of a value of type `T`.
    pub fn register<T: Value>(&self, name: impl Into<Vec<u8>>) -> Register<T> {
        Register::new(self.entity(name))
    }

    /// The files in the directory `name`, with their chunks in `chunks`.
    pub fn files(&self, name: impl Into<Vec<u8>>, chunks: Arc<dyn Dba>, env: Env) -> Files {
        match &self.0 {
            Place::Local { store, .. } => Files::new(store.clone(), chunks, name, env),
            Place::Remote(entities) => {
                let directories = RemoteDirectories(entities.clone());
                Files::over(Arc::new(directories), chunks, name, env)
            }
        }
    }

    /// What the name is, as in `feed` or `leaderboard`; `None` if it is nothing.
    pub async fn type_of(&self, name: impl Into<Vec<u8>>) -> Result<Option<String>> {
        let entity = self.entity(name);
        match entity.rows() {
            Some(rows) => header::type_of(&*rows, entity.name()).await,
            None => Ok(entity.send(Command::TypeOf).await?),
        }
    }

    fn entity(&self, name: impl Into<Vec<u8>>) -> Entity {
        let (place, name) = (self.0.clone(), name.into().into());
        Entity { place, name, options: CallOptions::default() }
    }
}

/// Where commands come in encoded, as from a client elsewhere, they go the way of the handles'.
#[async_trait]
impl Entities for Executor {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer> {
        self.0.execute(name, command, options).await
    }
}

impl Place {
    async fn execute(
        &self,
        name: &Arc<[u8]>,
        command: Vec<u8>,
        options: &CallOptions,
    ) -> Result<Answer> {
        match self {
            Self::Local { store, env } => {
                Ok(execute(&**store, name.clone(), &command, options, env).await)
            }
            Self::Remote(entities) => entities.execute(name, command, options).await,
        }
    }
}

/// One entity: what all handles have in common.
#[derive(Clone)]
pub(crate) struct Entity {
    place: Place,
    name: Arc<[u8]>,
    options: CallOptions,
}

impl Entity {
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(crate) fn options(&self) -> &CallOptions {
        &self.options
    }

    pub(crate) fn with(self, options: CallOptions) -> Self {
        Self { options, ..self }
    }

    /// The same for commands that are safe to repeat.
    pub(crate) fn without_command(&self) -> Self {
        let mut this = self.clone();
        this.options.command = None;
        this
    }

    /// The environment, if the entity is in this process.
    pub(crate) fn env(&self) -> Option<&Env> {
        match &self.place {
            Place::Local { env, .. } => Some(env),
            Place::Remote(_) => None,
        }
    }

    /// The committed rows, if they are in this process.
    pub(crate) fn rows(&self) -> Option<Arc<dyn Dba>> {
        match &self.place {
            Place::Local { store, .. } => Some(store.rows()),
            Place::Remote(_) => None,
        }
    }

    /// The store in which a command may run straight, without its encoded form. A command with an id
    /// needs that form wherever it runs: its digest tells it from others with the same id.
    pub(crate) fn straight(&self) -> Option<&Arc<dyn EntityStore>> {
        match &self.place {
            Place::Local { store, .. } if self.options.command.is_none() => Some(store),
            _ => None,
        }
    }

    /// Runs `command` in `store` when it is its turn, over the rows that it alone may change.
    pub(crate) async fn run<T, E, F>(
        &self,
        store: &Arc<dyn EntityStore>,
        command: impl FnOnce(Arc<Scope>) -> F,
    ) -> Result<T, E>
    where
        T: Value,
        E: From<DbaError>,
        F: Future<Output = Result<T, E>>,
    {
        entity::run(&**store, self.name.clone(), &self.options, command).await
    }

    /// Sends `command` to where the entity is.
    pub(crate) async fn send<A: Value>(&self, command: Command) -> Result<A, Failure> {
        let command = command.to_bytes()?;
        self.place.execute(&self.name, command, &self.options).await?.read()
    }
}
