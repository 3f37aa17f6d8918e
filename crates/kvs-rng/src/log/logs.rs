//! The handle of a node's logs.

use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::Env;
use kvs_core::{DbaError, EntityStore, Result, Store};

use super::counters::LogCounters;
use super::doubts::{Doubts, Losses};
use super::driver::{Driver, Parts};
use super::entities::Entities;
use super::format;
use super::leases::Leases;
use super::owners::{Owners, Regions};
use crate::coordinator::{Layouts, Peers};
use crate::identity::{Incarnation, NodeId};

/// A message or several between the logs of two nodes.
pub const REQUEST: u16 = 0x0301;
/// A call of a region's handler.
pub const CALL: u16 = 0x0302;
/// Does the node own a bucket?
pub const OWNS: u16 = 0x0303;
/// What does the node hold of the logs of buckets?
pub const HOLDS: u16 = 0x0304;
/// Own buckets, and tell their replicas.
pub const SETTLE: u16 = 0x0305;

/// The logs of one node's buckets: its part of all entities. Clones are handles of the same.
///
/// A bucket costs nothing before it is used, and no traffic while nothing happens to it.
#[derive(Clone)]
pub struct Logs {
    pub(super) driver: Arc<Driver>,
    pub(super) regions: Arc<Regions>,
    entities: Entities,
}

/// Who a node is, and what became of it.
pub struct Start {
    /// The node.
    pub node: NodeId,
    /// How often it has been started; no two starts have the same.
    pub incarnation: Incarnation,
    /// Whether it may have lost what it had acknowledged since its last start: its store doesn't sync
    /// each write, and lost power. Such a node votes in no take-over of a bucket until it has caught up
    /// with it. For a disk that is lost see [`Logs::begin_with_nothing`].
    pub may_have_lost: bool,
    /// Says whether the node's data folder is what the node last left. A folder that was put back from a
    /// copy has forgotten promises: while this says no, the node takes no part in any log.
    pub is_sound: Box<dyn Fn() -> bool + Send + Sync>,
    /// For how long the node grants leases to the owners of buckets, and whether it asks for them as one;
    /// zero: neither. See [`core::Limits::lease`](super::core::Limits::lease).
    pub read_lease: Duration,
}

impl Logs {
    /// The logs of a node, in `store`.
    ///
    /// Costs a read for each thousand buckets that were ever used; a synced write if the node may have
    /// lost something.
    pub async fn open(
        store: &Store,
        start: Start,
        peers: Arc<dyn Peers>,
        layouts: Arc<dyn Layouts>,
        env: Env,
    ) -> Result<Self> {
        let (raw, synced) = (store.raw(), store.synced().raw());
        let mut losses = Losses::read(&raw).await?;
        if start.may_have_lost {
            losses.count = losses.count.saturating_add(1);
            losses.write(&synced).await?;
        }
        let doubts = Doubts::new(losses, format::heads(&raw).await?);
        let Start { node: id, incarnation, is_sound, read_lease, .. } = start;
        let leases = Leases::open(&raw, &synced, read_lease, env.clock.clone()).await?;
        let parts =
            Parts { id, incarnation, is_sound, raw, synced, peers, layouts, env, doubts, leases };
        let driver = Arc::new(Driver::new(parts));
        let entities = Entities::new(driver.clone());
        Ok(Self { driver, regions: Arc::default(), entities })
    }

    /// Commands of entities, at this node.
    pub fn entities(&self) -> Arc<dyn EntityStore> {
        Arc::new(self.entities.clone())
    }

    /// Who owns which entity, and calls there.
    pub fn owners(&self) -> Arc<dyn Owners> {
        Arc::new(self.clone())
    }

    /// What the logs have done so far.
    pub fn counters(&self) -> LogCounters {
        self.driver.counters.read()
    }

    /// How many buckets are in memory: those that were used.
    pub fn buckets_open(&self) -> usize {
        self.driver.all_opened().len()
    }

    /// Takes a request of another node: [`REQUEST`], [`CALL`], [`OWNS`], [`HOLDS`] or [`SETTLE`]. Any
    /// bytes may come.
    pub async fn handle(&self, from: NodeId, method: u16, body: &[u8]) -> Result<Vec<u8>> {
        match method {
            REQUEST => self.driver.handle(from, body).await,
            OWNS => self.driver.handle_owns(body),
            HOLDS => self.driver.handle_holds(body).await,
            SETTLE => self.driver.handle_settle(from, body).await,
            CALL => self.regions.handle(from, body).await,
            _ => Err(DbaError::decode("request", format!("there is no method {method:#06x}"))),
        }
    }

    /// Says that a node is up again: what waits for it need wait no longer.
    pub fn seen_up(&self, node: NodeId) {
        self.driver.reach.answered(node);
        self.driver.hurry.notify_waiters();
    }

    /// Says that the layout has changed.
    pub fn layout_changed(&self) {
        self.driver.layout_changed();
    }

    /// Ends: what is under way is as after a crash, nothing more is sent or taken.
    pub fn close(&self) {
        self.driver.close();
    }
}
