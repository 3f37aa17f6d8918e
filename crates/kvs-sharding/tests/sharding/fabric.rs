//! A few nodes in one process, with links and owners that tests change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::{Background, Env};
use kvs_rng::identity::NodeId;
use kvs_sharding::{CallFailed, Config, Handler, Owner, Owners, Region, RegionHost, Sharding};
use tokio::sync::oneshot;
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
    hosts: Mutex<BTreeMap<String, Arc<dyn RegionHost>>>,
    /// What it believes of a bucket, if not the truth.
    beliefs: Mutex<BTreeMap<u32, Owner>>,
    /// Calls it has made, and owners it was told to forget.
    pub(crate) calls: AtomicUsize,
    pub(crate) forgotten: AtomicUsize,
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
        for host in lock(&self.nodes[old].hosts).values() {
            host.lost(bucket(entity));
        }
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

impl Node {
    fn new(env: &Env, shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            id: NodeId::new(env),
            shared: shared.clone(),
            hosts: Mutex::default(),
            beliefs: Mutex::default(),
            calls: AtomicUsize::new(0),
            forgotten: AtomicUsize::new(0),
        })
    }

    pub(crate) fn hosted(&self, region: &str) -> Option<Arc<dyn RegionHost>> {
        lock(&self.hosts).get(region).cloned()
    }
}

#[async_trait]
impl Owners for Node {
    fn bucket(&self, entity: &[u8]) -> u32 {
        bucket(entity)
    }

    fn owner(&self, entity: &[u8]) -> Owner {
        if let Some(belief) = lock(&self.beliefs).get(&bucket(entity)) {
            return belief.clone();
        }
        let owner = lock(&self.shared.owners)[&bucket(entity)];
        if owner == self.id { Owner::Here } else { Owner::At(owner) }
    }

    fn forget(&self, _entity: &[u8], _node: NodeId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    async fn call(
        &self,
        to: NodeId,
        region: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CallFailed> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        sleep(LATENCY).await;
        let link = lock(&self.shared.links).get(&(self.id, to)).copied().unwrap_or(Link::Up);
        if link == Link::Cut {
            return Err(CallFailed::NotSent { reason: "cut".to_owned() });
        }
        let node = lock(&self.shared.nodes).get(&to).cloned();
        let host = node.and_then(|node| node.hosted(region)).ok_or(CallFailed::NoRegion)?;
        let (answer, answered) = oneshot::channel();
        // It runs at the other node, until the connection breaks.
        let _running = Background::run(async move {
            let _ = answer.send(host.call(body).await);
        });
        let lost = |reason: &str| CallFailed::Lost { reason: reason.to_owned() };
        let answered = timeout(deadline, answered).await.map_err(|_elapsed| lost("deadline"))?;
        sleep(LATENCY).await;
        if link == Link::Mute { Err(lost("mute")) } else { answered.map_err(|_gone| lost("gone")) }
    }

    fn host(&self, name: &str, host: Arc<dyn RegionHost>) -> bool {
        let mut hosts = lock(&self.hosts);
        let is_free = !hosts.contains_key(name);
        if is_free {
            hosts.insert(name.to_owned(), host);
        }
        is_free
    }
}

impl World for Fabric {
    fn start<H: Handler + Clone>(&self, name: &str, handler: H) -> Started<H> {
        self.shardings.iter().map(|sharding| sharding.start(name, handler.clone())).collect()
    }
}
