//! The handle of a replica.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{DbaError, Key, Order, Store};

use super::buckets::Buckets;
use super::dots::Dots;
use super::error::ReplicaError;
use super::hold::Hold;
use super::leaves::Leaves;
use super::rows;
use super::start::{Condition, Start};
use super::witness::Witness;
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::version::{HybridClock, Versions};

/// What this node holds. Clones are handles of the same; a store has one replica at a time.
///
/// A write runs to its end once it has begun, also if its future is dropped. Writes of one bucket
/// run one after another, and share the syncs that they wait for; reads wait for nobody.
#[derive(Clone)]
pub struct Replica {
    inner: Arc<Inner>,
}

/// What the handles share.
pub(super) struct Inner {
    pub(super) node: NodeId,
    pub(super) clock: Arc<HybridClock>,
    pub(super) raw: Raw,
    pub(super) buckets: Buckets,
    pub(super) dots: Dots,
    pub(super) start: Start,
    pub(super) hold: Hold,
    pub(super) witness: Witness,
    /// Whether the last write failed.
    pub(super) failing: AtomicBool,
}

impl Replica {
    /// The replica of `node` in `store`.
    ///
    /// `boot_id` is the present run of the operating system, see [`boot_id`](super::boot_id);
    /// `durable` says that `store` syncs each write before it acknowledges it. If an earlier run did
    /// not, didn't [end cleanly](Self::close) and was in another run of the system, the replica is
    /// [recovering](Condition::Recovering); if it did, [catching up](Condition::CatchingUp).
    ///
    /// Costs one synced write. If it fails the replica can be opened again.
    pub async fn open(
        store: &Store,
        node: NodeId,
        clock: Arc<HybridClock>,
        boot_id: Option<String>,
        durable: bool,
    ) -> Result<Self, DbaError> {
        let synced = store.synced().raw();
        let mut writes = WriteSet::default();
        let dots = Dots::open(node, synced.clone(), &mut writes).await?;
        let start = Start::open(node, synced.clone(), boot_id, durable, &mut writes).await?;
        synced.write(writes).await?;
        let (raw, buckets) = (store.raw(), Buckets::new());
        let (hold, witness, failing) = (Hold::default(), Witness::default(), AtomicBool::default());
        let inner = Inner { node, clock, raw, buckets, dots, start, hold, witness, failing };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The node whose replica it is.
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Arc<HybridClock> {
        &self.inner.clock
    }

    /// What it may be asked.
    pub fn condition(&self) -> Condition {
        self.inner.start.condition()
    }

    /// Whether others turned out, in this run, to have writes that this node once made and lacks: its
    /// data folder lost something without a trace.
    pub fn has_found_loss(&self) -> bool {
        self.inner.start.has_found_loss()
    }

    /// Whether it holds all of a bucket that it ever acknowledged, and so may be asked for it.
    pub fn is_whole(&self, bucket: Bucket) -> bool {
        self.inner.start.check(bucket).is_ok()
    }

    /// Whether it also holds all that it ever minted in a bucket and others have acknowledged, and so
    /// may mint there.
    pub fn may_mint(&self, bucket: Bucket) -> bool {
        self.inner.start.check_mint(bucket).is_ok()
    }

    /// Waits until what was stored here before is as safe as the store's durability says. Costs a sync
    /// with `Always`, which all share that wait for one; otherwise nothing.
    ///
    /// # Errors
    /// The store could not sync. Nobody may rely on what was stored; the store takes no writes any
    /// more.
    pub async fn synced(&self) -> Result<(), ReplicaError> {
        self.inner.synced().await
    }

    /// The versions of a key; empty ones if it was never written.
    pub async fn get(&self, bucket: Bucket, key: &Key) -> Result<Versions, ReplicaError> {
        key.check()?;
        self.inner.start.check(bucket)?;
        self.inner.held(rows::key(bucket, key)).await
    }

    /// The leaves of a bucket. From memory once the bucket has been written or asked for; also
    /// while it is recovering.
    pub async fn digests(&self, bucket: Bucket) -> Result<Leaves, ReplicaError> {
        let mut locked = self.inner.buckets.lock(bucket).await;
        let leaves = locked.take_leaves(&self.inner.raw).await?;
        locked.put_back(leaves.clone());
        Ok(leaves)
    }

    /// The leaf of a key, in any bucket.
    pub fn leaf(key: &Key) -> u8 {
        rows::leaf(rows::inner(&rows::key(Bucket::default(), key)))
    }

    /// Whether it holds nothing at all in any bucket, not even a tombstone.
    pub async fn is_empty(&self) -> Result<bool, ReplicaError> {
        let rows = self.inner.raw.scan(rows::everything(), Order::Ascending, 1, 1).await?;
        Ok(rows.is_empty())
    }

    /// Says that this node takes the place of one whose disk is lost, and has nothing of what that one
    /// acknowledged: it is [recovering](Condition::Recovering) from then on, until
    /// [all of it](Self::recovered_all) is there. Written and synced; to be said before anybody counts
    /// on this node.
    pub async fn begin_with_nothing(&self) -> Result<(), DbaError> {
        self.inner.start.begin_with_nothing().await
    }

    /// Says that a bucket now holds what the other replicas have of it: from here on it mints and
    /// reads. Lasts until the node ends.
    pub fn recovered(&self, bucket: Bucket) {
        self.inner.start.repaired(bucket);
    }

    /// Says that all buckets do. Written and synced, so that the next start is as good as after a
    /// clean end.
    pub async fn recovered_all(&self) -> Result<(), ReplicaError> {
        Ok(self.inner.start.all_repaired().await?)
    }

    /// Ends cleanly: refuses writes from here on, waits for those that have begun, and then says so
    /// on disk with a synced write, unless the replica still has something to recover from.
    pub async fn close(&self) -> Result<(), ReplicaError> {
        self.inner.start.close();
        self.inner.buckets.wait_for_all().await;
        self.inner.synced().await?;
        Ok(self.inner.start.ended().await?)
    }
}

impl Replica {
    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Inner {
    /// The versions at a stored key.
    pub(super) async fn held(&self, stored: Vec<u8>) -> Result<Versions, ReplicaError> {
        Ok(match self.raw.get(stored).await? {
            Some(value) => Versions::decode(&value)?,
            None => Versions::default(),
        })
    }
}
