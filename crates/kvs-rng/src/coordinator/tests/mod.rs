//! A cluster in one process, over links that can be cut, slowed down, and made to lose answers.

mod conforming;
mod histories;
mod layouts;
mod messages;
mod reading;
mod repairing;
mod scanning;
mod siblings;
mod syncing;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::{Env, ManualClock};
use kvs_core::{CallOptions, Dba, Key, Store};
use tokio::time::{Instant, sleep};

use super::*;
use crate::hash::Hashing;
use crate::identity::ClusterId;
use crate::layout::{Change, Member, VIRTUAL_NODES_DEFAULT};
use crate::version::{AHEAD_MAX, HybridClock, LastWriteWins, Versions};

const NOW_MS: u64 = 1_700_000_000_000;
/// More than any test takes by simulated time.
const PATIENCE: Duration = Duration::from_secs(600);

/// What happens to requests from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// They are refused at once.
    Cut,
    /// They never arrive, and nobody says so.
    Silent,
    /// They arrive, and their answers don't.
    LosesAnswers,
    /// They take this long.
    Slow(Duration),
}

/// What the nodes share.
#[derive(Default)]
struct World {
    nodes: Mutex<BTreeMap<NodeId, Coordinator>>,
    layouts: Mutex<BTreeMap<NodeId, Arc<Layout>>>,
    links: Mutex<BTreeMap<(NodeId, NodeId), Link>>,
    /// Those that gossip takes for down.
    down: Mutex<BTreeSet<NodeId>>,
    /// What was called: from, to, method.
    calls: Mutex<Vec<(NodeId, NodeId, u16)>>,
}

/// One node's view of the world.
struct Router {
    me: NodeId,
    world: Arc<World>,
}

#[async_trait]
impl Peers for Router {
    async fn call(
        &self,
        to: NodeId,
        method: u16,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, PeerError> {
        let lost = || PeerError { sent: true, reason: "no answer".to_owned() };
        self.world.calls.lock().unwrap().push((self.me, to, method));
        let link = self.world.links.lock().unwrap().get(&(self.me, to)).copied();
        match link {
            Some(Link::Cut) => {
                return Err(PeerError { sent: false, reason: "the link is cut".to_owned() });
            }
            Some(Link::Silent) => {
                sleep(deadline).await;
                return Err(lost());
            }
            Some(Link::Slow(delay)) => {
                sleep(delay.min(deadline)).await;
                if delay > deadline {
                    return Err(lost());
                }
            }
            Some(Link::LosesAnswers) | None => tokio::task::yield_now().await,
        }
        let node = self.world.nodes.lock().unwrap().get(&to).cloned();
        let node = node.expect("there is such a node");
        let answer = node.handle(self.me, method, &body).await;
        if link == Some(Link::LosesAnswers) {
            sleep(deadline).await;
            return Err(lost());
        }
        tokio::task::yield_now().await;
        answer.map_err(|error| PeerError { sent: true, reason: error.to_string() })
    }

    fn is_up(&self, node: NodeId) -> bool {
        !self.world.down.lock().unwrap().contains(&node)
    }
}

#[async_trait]
impl Layouts for Router {
    fn current(&self) -> Option<Arc<Layout>> {
        self.world.layouts.lock().unwrap().get(&self.me).cloned()
    }

    async fn fetch_newer(&self, from: NodeId) {
        let mut layouts = self.world.layouts.lock().unwrap();
        let newer = layouts.get(&from).cloned();
        if newer.as_ref().map(|it| it.version()) > layouts.get(&self.me).map(|it| it.version()) {
            layouts.insert(self.me, newer.unwrap());
        }
    }
}

/// Some nodes.
struct Cluster {
    world: Arc<World>,
    ids: Vec<NodeId>,
    rings: Vec<Ring>,
    stores: Vec<Store>,
    layout: Layout,
    env: Env,
    clock: Arc<ManualClock>,
    stamps: Arc<HybridClock>,
    gather_timeout: Duration,
}

fn member(number: u8) -> Member {
    let id = NodeId::from_bytes(xxhash_rust::xxh3::xxh3_128(&[number]).to_be_bytes());
    Member::new(id, format!("node-{number}"), ([127, 0, 0, 1], 4000 + u16::from(number)).into())
}

impl Cluster {
    /// So many nodes and this quorum. All take their timestamps from one clock.
    async fn new(nodes: u8, quorum: &str) -> Self {
        Self::patient(nodes, quorum, GATHER_TIMEOUT).await
    }

    async fn patient(nodes: u8, quorum: &str, gather_timeout: Duration) -> Self {
        let stores = (0..nodes).map(|_| Store::memory()).collect();
        Self::on(stores, quorum, gather_timeout).await
    }

    /// A node on each of `stores`.
    async fn on(stores: Vec<Store>, quorum: &str, gather_timeout: Duration) -> Self {
        let nodes = u8::try_from(stores.len()).unwrap();
        let (env, clock) = Env::manual(NOW_MS, 1);
        let stamps = Arc::new(HybridClock::new(&env, AHEAD_MAX));
        let hashing = Hashing::new(32, 16).unwrap();
        let (cluster, quorum) = (ClusterId::from_bytes([1; 16]), quorum.parse().unwrap());
        let found =
            Layout::found(cluster, "test", hashing, VIRTUAL_NODES_DEFAULT, quorum, member(0));
        let join = |layout: Layout, n| layout.apply(&Change::Join(member(n))).unwrap();
        let layout = (1..nodes).fold(found.unwrap(), join);
        let mut cluster = Self {
            world: Arc::default(),
            ids: (0..nodes).map(|n| member(n).id).collect(),
            rings: Vec::new(),
            stores,
            layout,
            env,
            clock,
            stamps,
            gather_timeout,
        };
        for n in 0..nodes.into() {
            let layout = Arc::new(cluster.layout.clone());
            cluster.world.layouts.lock().unwrap().insert(cluster.ids[n], layout);
            let ring = cluster.start(n, None).await;
            cluster.rings.push(ring);
        }
        cluster
    }

    /// Starts a node on its store.
    async fn start(&self, n: usize, boot_id: Option<&str>) -> Ring {
        let (id, store) = (self.ids[n], &self.stores[n]);
        let boot_id = boot_id.map(str::to_owned);
        let is_durable = boot_id.is_none();
        let replica =
            Replica::open(store, id, self.stamps.clone(), boot_id, is_durable).await.unwrap();
        let router = Arc::new(Router { me: id, world: self.world.clone() });
        let hints = Hints::open(store).await.unwrap();
        let env = self.env.clone();
        let coordinator =
            Coordinator::new(id, replica, router.clone(), router, hints, env, self.gather_timeout);
        self.world.nodes.lock().unwrap().insert(id, coordinator.clone());
        Ring::new(coordinator, Arc::new(LastWriteWins))
    }

    fn coordinator(&self, n: usize) -> &Coordinator {
        self.rings[n].coordinator()
    }

    /// From here on requests from one node to the other do this.
    fn link(&self, from: usize, to: usize, link: impl Into<Option<Link>>) {
        let mut links = self.world.links.lock().unwrap();
        match link.into() {
            Some(link) => links.insert((self.ids[from], self.ids[to]), link),
            None => links.remove(&(self.ids[from], self.ids[to])),
        };
    }

    /// From here on requests from and to node `n` do this.
    fn isolate(&self, n: usize, link: impl Into<Option<Link>>) {
        let link = link.into();
        for other in (0..self.ids.len()).filter(|other| *other != n) {
            self.link(n, other, link);
            self.link(other, n, link);
        }
    }

    /// All links work, all nodes seem to be up.
    fn heal(&self) {
        self.world.links.lock().unwrap().clear();
        self.world.down.lock().unwrap().clear();
    }

    /// What gossip says of node `n`.
    fn gossip_down(&self, n: usize) {
        self.world.down.lock().unwrap().insert(self.ids[n]);
    }

    fn calls(&self, method: u16) -> usize {
        let calls = self.world.calls.lock().unwrap();
        calls.iter().filter(|(_, _, called)| *called == method).count()
    }

    /// The nodes of a partition's preference list.
    fn replicas(&self, partition: &str) -> Vec<usize> {
        let bucket = self.layout.bucket_of(partition.as_bytes());
        let place = |id| self.ids.iter().position(|other| other == id).unwrap();
        self.layout.replicas(bucket).iter().map(place).collect()
    }

    /// A node that doesn't hold the partition.
    fn stranger(&self, partition: &str) -> usize {
        let replicas = self.replicas(partition);
        (0..self.ids.len()).find(|n| !replicas.contains(n)).unwrap()
    }

    /// What node `n` itself holds.
    async fn held(&self, n: usize, key: &Key) -> Versions {
        let bucket = self.layout.bucket_of(key.partition());
        self.coordinator(n).replica().get(bucket, key).await.unwrap()
    }

    /// Waits until all replicas hold the same of `key`.
    async fn settled(&self, key: &Key) -> Versions {
        let replicas = self.replicas(std::str::from_utf8(key.partition()).unwrap());
        let until = Instant::now() + PATIENCE;
        loop {
            let first = self.held(replicas[0], key).await;
            let mut same = !first.is_empty();
            for n in &replicas {
                same &= self.held(*n, key).await == first;
            }
            if same {
                return first;
            }
            assert!(Instant::now() < until, "the replicas of {key} never hold the same");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn get(ring: &Ring, key: &str) -> Option<String> {
    let value = ring.get(&Key::from(key)).await.unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

async fn put(ring: &Ring, key: &str, value: &str) -> kvs_core::Result<()> {
    ring.put(&Key::from(key), value.into()).await
}

fn options() -> CallOptions {
    CallOptions::default()
}
