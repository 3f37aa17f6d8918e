//! A store: the contract of [`Dba`](crate::Dba) over an [`Engine`].
//!
//! What is the same for every engine is here, once: stored keys and envelopes, limits, pages,
//! durability, the reserve of disk space, saving and loading.

mod disk;
mod folder;
mod group;
mod ranges;
mod raw;
mod rows;
mod snapshot;
mod sync;

use std::sync::Arc;

use async_trait::async_trait;

use crate::dba::{Compact, Ready};
use crate::engine::memory::Memory;
use crate::engine::{Engine, EngineError, EngineResult, Wait, WriteSet};
use crate::env::{Env, blocking};
use crate::error::{DbaError, Result};
use crate::format::stored_key::RowKind;
use crate::options::CallOptions;
use disk::DiskReserve;
use group::GroupSync;
use sync::{Failure, Syncer};

pub use folder::Folder;
pub use raw::Raw;
pub use rows::Rows;
pub use sync::Durability;

/// A store on one engine. Clones are handles of the same store.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    durability: Durability,
    disk: Arc<DiskReserve>,
    syncer: Arc<Syncer>,
    syncs: Arc<GroupSync>,
    failure: Arc<Failure>,
    env: Env,
}

impl Store {
    /// A store on `engine`.
    ///
    /// With [`Durability::Interval`] a thread syncs once a second; it ends with the last handle,
    /// after a last sync.
    pub fn new(engine: impl Engine, durability: Durability, env: Env) -> Self {
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let failure = Arc::<Failure>::default();
        Self {
            disk: Arc::new(DiskReserve::new(engine.folder())),
            syncer: Arc::new(Syncer::start(engine.clone(), durability, failure.clone())),
            syncs: Arc::new(GroupSync::new(engine.clone(), failure.clone())),
            failure,
            engine,
            durability,
            env,
        }
    }

    /// An empty store in memory.
    pub fn memory() -> Self {
        Self::new(Memory::default(), Durability::Os, Env::system())
    }

    /// The rows of one kind.
    pub fn rows(&self, kind: RowKind) -> Rows {
        Rows::new(self.clone(), kind)
    }

    /// Stored keys and values of all kinds, as they are.
    pub fn raw(&self) -> Raw {
        Raw::new(self.clone())
    }

    /// The same store, whose writes through this handle are synced before they are acknowledged,
    /// whatever its durability.
    #[must_use]
    pub fn synced(&self) -> Self {
        Self { durability: Durability::Always, ..self.clone() }
    }

    /// The name of the engine underneath.
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// Time and randomness as this store takes them.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Does `work` on the engine: at once if it can be answered from memory, otherwise where waiting
    /// for the disk harms nobody.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        options: &CallOptions,
        work: impl Fn(&dyn Engine, Wait) -> EngineResult<T> + Send + 'static,
    ) -> Result<T> {
        let answer = match work(&*self.engine, Wait::Never) {
            Err(EngineError::WouldBlock) => {
                let engine = self.engine.clone();
                let late = self.lateness(options);
                blocking(move || {
                    if late() {
                        return Err(DbaError::Deadline { operation });
                    }
                    Ok(work(&*engine, Wait::Allowed))
                })
                .await?
            }
            answer => answer,
        };
        answer.map_err(|error| self.error(operation, error))
    }

    /// A question to ask later: has the deadline passed?
    fn lateness(&self, options: &CallOptions) -> impl FnOnce() -> bool + Send + use<> {
        let clock = self.env.clock.clone();
        let until = options.deadline.map(|deadline| clock.monotonic() + deadline);
        move || until.is_some_and(|until| clock.monotonic() > until)
    }

    /// Applies all writes or none, as safe as the store's durability says.
    async fn write(
        &self,
        operation: &'static str,
        writes: WriteSet,
        options: &CallOptions,
    ) -> Result<()> {
        let sync = self.durability == Durability::Always;
        self.apply(operation, writes, sync, options).await
    }

    async fn apply(
        &self,
        operation: &'static str,
        writes: WriteSet,
        sync: bool,
        options: &CallOptions,
    ) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        self.failure.check()?;
        if writes.iter().any(|(_, value)| value.is_some()) {
            self.disk.check(writes.bytes())?;
        }
        let syncs = self.syncs.clone();
        let write = self.run(operation, options, move |engine, wait| {
            engine.write(&writes, sync, wait)?;
            if !sync {
                syncs.written();
            }
            Ok(())
        });
        write.await?;
        self.syncer.written();
        Ok(())
    }

    fn error(&self, operation: &'static str, error: EngineError) -> DbaError {
        engine_error(operation, self.engine.name(), error)
    }
}

fn engine_error(operation: &'static str, engine: &'static str, error: EngineError) -> DbaError {
    match error {
        EngineError::Failed { outcome, source } => {
            DbaError::Engine { operation, engine, outcome, source }
        }
        EngineError::WouldBlock => DbaError::Engine {
            operation,
            engine,
            outcome: crate::Outcome::NotApplied,
            source: "it would not wait although it was allowed to".into(),
        },
    }
}

#[async_trait]
impl Compact for Store {
    async fn compact(&self) -> Result<()> {
        let engine = self.engine.clone();
        blocking(move || engine.compact()).await.map_err(|error| self.error("compact", error))
    }
}

#[async_trait]
impl Ready for Store {
    async fn ready(&self) -> Result<()> {
        self.failure.check()?;
        self.disk.check(0)
    }
}
