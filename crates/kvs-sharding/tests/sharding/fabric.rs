//! A few nodes in one process, with links and owners that tests change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::{Background, Env};
use kvs_rng::coordinator::PeerError;
use kvs_rng::hash::Bucket;
use kvs_rng::identity::NodeId;
use kvs_rng::log::{Owner, OwnerCallError, Owners, RegionHandler};
use kvs_sharding::{Config, Handler, Region, Sharding};
use tokio::sync::{broadcast, oneshot};
use tokio::time::{sleep, timeout};

use crate::{Started, World};

const BUCKETS: u32 = 16;
const LATENCY: Duration = Duration::from_micros(200);

/// What a link does with calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Up,
    /// Calls don't get through.
    Cut,
    /// Calls get through, their answers don't.
    Mute,
}

/// The nodes.
pub(crate) struct Fabric {
    pub(crate) nodes: Vec<Arc<Node>>,
    shardings: Vec<Sharding>,
}

/// One node, and all it knows.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    shared: Arc<Shared>,
    hosts: Mutex<BTreeMap<String, Arc<dyn RegionHandler>>>,
    /// What it believes of a bucket, if not the truth.
    beliefs: Mutex<BTreeMap<u32, Owner>>,
    lost: broadcast::Sender<Bucket>,
    /// Calls it has made.
    calls: AtomicUsize,
    /// Calls under way, and the most there were at once.
    now: AtomicUsize,
    pub(crate) most: AtomicUsize,
    /// What it was told of owners.
    pub(crate) learned: Mutex<Vec<Option<NodeId>>>,
}

#[derive(Default)]
struct Shared {
    nodes: Mutex<BTreeMap<NodeId, Arc<Node>>>,
    owners: Mutex<BTreeMap<u32, NodeId>>,
    links: Mutex<BTreeMap<(NodeId, NodeId), Link>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub(crate) fn bucket(entity: &[u8]) -> u32 {
    entity.iter().map(|byte| u32::from(*byte)).sum::<u32>() % BUCKETS
}

impl Fabric {
    pub(crate) fn new(count: usize, config: Config) -> Self {
        let (env, _clock) = Env::manual(1, 1);
        let shared = Arc::new(Shared::default());
        let nodes: Vec<_> = (0..count).map(|_| Node::new(&env, &shared)).collect();
        let in_turn = nodes.iter().cycle();
        lock(&shared.owners).extend((0..BUCKETS).zip(in_turn.map(|node| node.id)));
        lock(&shared.nodes).extend(nodes.iter().map(|node| (node.id, node.clone())));
        let sharding = |node: &Arc<Node>| Sharding::new(node.clone(), env.clone(), config.clone());
        let shardings = nodes.iter().map(sharding).collect();
        Self { nodes, shardings }
    }

    /// Starts a region at one node.
    pub(crate) fn start_at<H: Handler>(
        &self,
        node: usize,
        name: &str,
        handler: H,
    ) -> Region<H::Message, H::Reply> {
        self.shardings[node].start(name, handler).unwrap()
    }

    /// The index of the node that owns the entity.
    pub(crate) fn owner(&self, entity: &[u8]) -> usize {
        let owner = lock(&self.nodes[0].shared.owners)[&bucket(entity)];
        self.nodes.iter().position(|node| node.id == owner).unwrap()
    }

    /// Gives the entity's bucket to a node. The old owner is told.
    pub(crate) fn give(&self, entity: &[u8], to: usize) {
        let old = self.owner(entity);
        lock(&self.nodes[0].shared.owners).insert(bucket(entity), self.nodes[to].id);
        self.tell(old, entity);
    }

    /// Tells a node that it has lost the entity's bucket.
    pub(crate) fn tell(&self, node: usize, entity: &[u8]) {
        let _ = self.nodes[node].lost.send(Bucket(bucket(entity)));
    }

    /// Sets what the link from one node to another does.
    pub(crate) fn link(&self, from: usize, to: usize, link: Link) {
        let ends = (self.nodes[from].id, self.nodes[to].id);
        lock(&self.nodes[0].shared.links).insert(ends, link);
    }

    /// Lets a node believe something of the entity's owner.
    pub(crate) fn believe(&self, node: usize, entity: &[u8], owner: Option<Owner>) {
        let mut beliefs = lock(&self.nodes[node].beliefs);
        match owner {
            Some(owner) => beliefs.insert(bucket(entity), owner),
            None => beliefs.remove(&bucket(entity)),
        };
    }

    /// How many calls all nodes have made.
    pub(crate) fn calls(&self) -> usize {
        self.nodes.iter().map(|node| node.calls.load(Ordering::SeqCst)).sum()
    }
}

impl Drop for Fabric {
    fn drop(&mut self) {
        lock(&self.nodes[0].shared.nodes).clear();
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Node {
    fn new(env: &Env, shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            id: NodeId::new(env),
            shared: shared.clone(),
            hosts: Mutex::default(),
            beliefs: Mutex::default(),
            lost: broadcast::Sender::new(4),
            calls: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            learned: Mutex::default(),
        })
    }

    pub(crate) fn hosted(&self, region: &str) -> Option<Arc<dyn RegionHandler>> {
        lock(&self.hosts).get(region).cloned()
    }
}

#[async_trait]
impl Owners for Node {
    fn owner(&self, entity: &[u8]) -> Owner {
        if let Some(belief) = lock(&self.beliefs).get(&bucket(entity)) {
            return belief.clone();
        }
        let owner = lock(&self.shared.owners)[&bucket(entity)];
        if owner == self.id { Owner::Here } else { Owner::At(owner) }
    }

    fn learn(&self, _entity: &[u8], owner: Option<NodeId>) {
        lock(&self.learned).push(owner);
    }

    async fn call(
        &self,
        to: NodeId,
        region: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, OwnerCallError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.now);
        sleep(LATENCY).await;
        let link = lock(&self.shared.links).get(&(self.id, to)).copied().unwrap_or(Link::Up);
        if link == Link::Cut {
            return Err(PeerError { sent: false, reason: "cut".to_owned() }.into());
        }
        let node = lock(&self.shared.nodes).get(&to).cloned();
        let host = node
            .and_then(|node| node.hosted(region))
            .ok_or_else(|| OwnerCallError::NoRegion { node: to, region: region.to_owned() })?;
        let (answer, answered) = oneshot::channel();
        // It runs at the other node, until the connection breaks.
        let from = self.id;
        let _running = Background::run(async move {
            let _ = answer.send(host.call(from, body).await);
        });
        let lost = |reason: &str| {
            OwnerCallError::from(PeerError { sent: true, reason: reason.to_owned() })
        };
        let answered = timeout(deadline, answered).await.map_err(|_elapsed| lost("deadline"))?;
        sleep(LATENCY).await;
        if link == Link::Mute { Err(lost("mute")) } else { answered.map_err(|_gone| lost("gone")) }
    }

    fn on_call(&self, region: &str, handler: Arc<dyn RegionHandler>) {
        lock(&self.hosts).insert(region.to_owned(), handler);
    }

    fn lost(&self) -> broadcast::Receiver<Bucket> {
        self.lost.subscribe()
    }

    fn bucket_of(&self, entity: &[u8]) -> Option<Bucket> {
        Some(Bucket(bucket(entity)))
    }
}

impl World for Fabric {
    fn start<H: Handler + Clone>(&self, name: &str, handler: H) -> Started<H> {
        self.shardings.iter().map(|sharding| sharding.start(name, handler.clone())).collect()
    }
}
