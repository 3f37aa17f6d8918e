//! The store as an application holds it.

use std::path::Path;
use std::sync::Arc;

use kvs_consistency::{Executor, Feed, Leaderboard, Register, SortedSet};
use kvs_core::engine::Engine;
use kvs_core::entity::LocalEntities;
use kvs_core::env::Env;
use kvs_core::file::Files;
use kvs_core::{
    BoxStream, CommandId, Compact, Dba, DbaError, Iterate, Key, Ready, RowKind, Store, Value,
    stream,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::options::Options;

/// A store: embedded, or a node of a cluster (feature `cluster`).
///
/// Clones are handles of the same store, and any number of tasks may use them at once. The store
/// closes when the last handle (of any kind) is dropped.
#[derive(Clone)]
pub struct Kvs {
    form: Form,
    records: Arc<dyn Dba>,
    entities: Executor,
    env: Env,
}

/// Where the data is.
#[derive(Clone)]
enum Form {
    /// All of it in this store.
    Embedded { store: Store, entities: LocalEntities },
    /// On the nodes of a cluster, of which this is one.
    #[cfg(feature = "cluster")]
    Cluster(Arc<crate::cluster::Node>),
}

impl Kvs {
    pub(crate) fn new(store: Store) -> Self {
        let records = Arc::new(store.rows(RowKind::Plain));
        let entities = LocalEntities::new(Arc::new(store.rows(RowKind::Entity)));
        let env = store.env().clone();
        let shared = Executor::local(Arc::new(entities.clone()), env.clone());
        Self { form: Form::Embedded { store, entities }, records, entities: shared, env }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn of_cluster(node: crate::cluster::Node, entities: Executor, env: Env) -> Self {
        let records = Arc::new(node.ring().clone());
        Self { form: Form::Cluster(Arc::new(node)), records, entities, env }
    }

    /// The node, if this is one of a cluster.
    #[cfg(feature = "cluster")]
    pub fn node(&self) -> Option<&crate::cluster::Node> {
        match &self.form {
            Form::Embedded { .. } => None,
            Form::Cluster(node) => Some(node),
        }
    }

    /// The store that holds everything, for what needs it all in one place.
    #[cfg_attr(not(feature = "cluster"), expect(clippy::unnecessary_wraps, reason = "of clusters"))]
    pub(crate) fn embedded(&self, operation: &'static str) -> Result<&Store, DbaError> {
        #[cfg(not(feature = "cluster"))]
        let _ = operation;
        match &self.form {
            Form::Embedded { store, .. } => Ok(store),
            #[cfg(feature = "cluster")]
            Form::Cluster(_) => Err(DbaError::Unsupported { operation, on: "on a cluster" }),
        }
    }

    /// To be called after something else than a command has written to the rows of entities.
    pub(crate) fn entities_were_loaded(&self) {
        match &self.form {
            Form::Embedded { entities, .. } => entities.forget(),
            #[cfg(feature = "cluster")]
            Form::Cluster(_) => {}
        }
    }

    /// A store in memory, for tests and caches.
    pub fn memory() -> Self {
        Self::new(Store::memory())
    }

    /// Opens the store in the folder `dir` with the default [`Options`], creating it if it isn't
    /// there.
    pub async fn open(dir: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(dir).await
    }

    /// A store on an engine of your own.
    pub fn on(engine: impl Engine, durability: kvs_core::Durability) -> Self {
        Self::new(Store::new(engine, durability, kvs_core::env::Env::system()))
    }

    /// The record `key`; `None` if there is none.
    ///
    /// # Errors
    /// A record of another shape, or of a newer schema version, is a decode error.
    pub async fn get<T: Value>(&self, key: impl Into<Key>) -> Result<Option<T>> {
        let bytes = self.records.get(&key.into()).await?;
        Ok(bytes.map(|bytes| T::from_bytes(&bytes)).transpose()?)
    }

    /// Sets the record `key`; at most 16 MiB as bytes.
    pub async fn put<T: Value>(&self, key: impl Into<Key>, value: &T) -> Result<()> {
        Ok(self.records.put(&key.into(), value.to_bytes()?).await?)
    }

    /// Removes the record `key`, if it is there.
    pub async fn delete(&self, key: impl Into<Key>) -> Result<()> {
        Ok(self.records.delete(&key.into()).await?)
    }

    /// The keys of all records whose partition begins with `prefix`, in order.
    pub fn keys(&self, prefix: impl AsRef<[u8]>) -> BoxStream<'static, Key> {
        match self.embedded("iterating over all keys") {
            Ok(store) => store.rows(RowKind::Plain).keys(prefix.as_ref()),
            Err(error) => stream::failed(error),
        }
    }

    /// Deletes all records whose partition begins with `prefix`, and gives their number.
    pub async fn delete_prefix(&self, prefix: impl AsRef<[u8]>) -> Result<u64> {
        let store = self.embedded("deleting by prefix")?;
        Ok(store.rows(RowKind::Plain).delete_prefix(prefix.as_ref()).await?)
    }

    /// The records as rows of bytes, for batches and scans of partitions.
    pub fn records(&self) -> Arc<dyn Dba> {
        self.records.clone()
    }

    /// The feed `id` of entries of type `T`.
    pub fn feed<T: Value>(&self, id: impl Into<Vec<u8>>) -> Feed<T> {
        self.entities.feed(id)
    }

    /// The sorted set `id` of elements of type `T`.
    pub fn sorted<T>(&self, id: impl Into<Vec<u8>>) -> SortedSet<T>
    where
        T: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.entities.sorted(id)
    }

    /// The leaderboard `id` of members of type `M`.
    pub fn leaderboard<M>(&self, id: impl Into<Vec<u8>>) -> Leaderboard<M>
    where
        M: Ord + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.entities.leaderboard(id)
    }

    /// The register `id` of a value of type `T`: a single value whose changes have one order.
    ///
    /// Registers are entities and no records: [`get`](Self::get) and [`put`](Self::put) of the same
    /// name neither see nor change them.
    pub fn register<T: Value>(&self, id: impl Into<Vec<u8>>) -> Register<T> {
        self.entities.register(id)
    }

    /// Puts `new` in place of `expected` in the register `id`, and tells whether `expected` was its
    /// value; `None` stands for no value. See [`Register::compare_and_set`].
    ///
    /// ```
    /// # use kvs::Kvs;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let kvs = Kvs::memory();
    /// let [ann, bob] = ["ann".to_owned(), "bob".to_owned()];
    /// assert!(kvs.compare_and_set("referee", None, Some(&ann)).await?);
    /// assert!(!kvs.compare_and_set("referee", None, Some(&bob)).await?);
    /// assert!(kvs.compare_and_set("referee", Some(&ann), Some(&bob)).await?);
    /// assert_eq!(kvs.register::<String>("referee").get().await?, Some(bob));
    /// # Ok::<(), kvs::Error>(()) }).unwrap();
    /// ```
    pub async fn compare_and_set<T: Value>(
        &self,
        id: impl Into<Vec<u8>>,
        expected: Option<&T>,
        new: Option<&T>,
    ) -> Result<bool> {
        Ok(self.register(id).compare_and_set(expected, new).await?)
    }

    /// Adds `by` to the number in the register `id`, 0 if there is none, and gives the sum. See
    /// [`Counter::increment`](crate::Counter::increment).
    ///
    /// ```
    /// # use kvs::Kvs;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let kvs = Kvs::memory();
    /// assert_eq!(kvs.increment("visitors", 1).await?, 1);
    /// assert_eq!(kvs.increment("visitors", 41).await?, 42);
    /// # Ok::<(), kvs::Error>(()) }).unwrap();
    /// ```
    pub async fn increment(&self, id: impl Into<Vec<u8>>, by: i64) -> Result<i64> {
        Ok(self.register::<i64>(id).increment(by).await?)
    }

    /// The files in the directory `dir`.
    pub fn files(&self, dir: impl Into<Vec<u8>>) -> Files {
        let chunks: Arc<dyn Dba> = match &self.form {
            Form::Embedded { store, .. } => Arc::new(store.rows(RowKind::Chunk)),
            #[cfg(feature = "cluster")]
            Form::Cluster(_) => Arc::new(crate::chunks::Chunks(self.records.clone())),
        };
        self.entities.files(dir, chunks, self.env.clone())
    }

    /// Where this store's entities are: the handles without the rest, for code that works on this
    /// store and on a server alike. See [`entities`](crate::entities).
    pub fn entities(&self) -> &Executor {
        &self.entities
    }

    /// What the name `id` is, as in `feed` or `leaderboard`; `None` if it is nothing.
    pub async fn type_of(&self, id: impl AsRef<[u8]>) -> Result<Option<String>> {
        Ok(self.entities.type_of(id.as_ref()).await?)
    }

    /// A new id for a command that may have to be repeated; see
    /// [`CallOptions::command`](kvs_core::CallOptions::command).
    pub fn command_id(&self) -> CommandId {
        CommandId::new(&self.env)
    }

    /// Gives back the room of what was deleted or overwritten. May take minutes; reads and writes go
    /// on meanwhile.
    pub async fn compact(&self) -> Result<()> {
        Ok(self.embedded("compacting")?.compact().await?)
    }

    /// `Ok` when reads and writes are served, otherwise the error that they would get.
    pub async fn ready(&self) -> Result<()> {
        match &self.form {
            Form::Embedded { store, .. } => Ok(store.ready().await?),
            #[cfg(feature = "cluster")]
            Form::Cluster(node) => Ok(node.ring().ready().await?),
        }
    }

    /// The name of the backend underneath, as in `rocksdb`; `cluster` for a node of one.
    pub fn backend_name(&self) -> &'static str {
        match &self.form {
            Form::Embedded { store, .. } => store.engine_name(),
            #[cfg(feature = "cluster")]
            Form::Cluster(_) => "cluster",
        }
    }
}
