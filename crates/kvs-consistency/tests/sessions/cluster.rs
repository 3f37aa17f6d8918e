//! Nodes with real logs in one process, over links that can be cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kvs_consistency::{EntityHandler, Executor, NodeEntities, REGION};
use kvs_core::Store;
use kvs_core::env::Env;
use kvs_rng::coordinator::{Layouts, PeerError, Peers};
use kvs_rng::hash::Hashing;
use kvs_rng::identity::{ClusterId, Incarnation, NodeId};
use kvs_rng::layout::{Change, Layout, Member, VIRTUAL_NODES_DEFAULT};
use kvs_rng::log::{Logs, Start};
use kvs_sharding::{Config, Sharding};
use tokio::time::{sleep, timeout};

const LATENCY: Duration = Duration::from_millis(1);

/// The nodes.
pub(crate) struct Cluster {
    wires: Arc<Wires>,
    ids: Vec<NodeId>,
    entities: Vec<Executor>,
    pub(crate) env: Env,
}

struct Wires {
    nodes: Mutex<BTreeMap<NodeId, Logs>>,
    layout: Arc<Layout>,
    cut: Mutex<BTreeSet<NodeId>>,
    calls: Mutex<u64>,
}

/// One node's ends of them.
struct Router {
    me: NodeId,
    wires: Arc<Wires>,
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
        *self.wires.calls.lock().unwrap() += 1;
        let lost = || PeerError { sent: true, reason: "no answer".to_owned() };
        sleep(LATENCY).await;
        if self.is_cut(to) {
            sleep(deadline).await;
            return Err(lost());
        }
        let node = self.wires.nodes.lock().unwrap().get(&to).cloned().unwrap();
        let answered = timeout(deadline, node.handle(self.me, method, &body)).await;
        let answer = answered.map_err(|_elapsed| lost())?;
        if self.is_cut(to) {
            return Err(lost());
        }
        answer.map_err(|error| PeerError { sent: true, reason: error.to_string() })
    }

    fn is_up(&self, _: NodeId) -> bool {
        true
    }
}

impl Router {
    fn is_cut(&self, to: NodeId) -> bool {
        let cut = self.wires.cut.lock().unwrap();
        cut.contains(&to) || cut.contains(&self.me)
    }
}

#[async_trait]
impl Layouts for Router {
    fn current(&self) -> Option<Arc<Layout>> {
        Some(self.wires.layout.clone())
    }

    async fn fetch_newer(&self, _: NodeId) {}
}

impl Cluster {
    pub(crate) async fn new(nodes: u16) -> Arc<Self> {
        Self::seeded(nodes, 1).await
    }

    /// Nodes with three replicas of everything.
    pub(crate) async fn seeded(nodes: u16, seed: u64) -> Arc<Self> {
        let (env, _) = Env::manual(1_700_000_000_000, seed);
        let ids: Vec<_> = (0..nodes).map(|_| NodeId::new(&env)).collect();
        let member = |n: u16| {
            let address = ([127, 0, 0, 1], 4000 + n).into();
            Member::new(ids[usize::from(n)], format!("node-{n}"), address)
        };
        let (cluster, quorum) = (ClusterId::from_bytes([1; 16]), "3,2,2".parse().unwrap());
        let hashing = Hashing::new(32, 16).unwrap();
        let found = Layout::found(cluster, "t", hashing, VIRTUAL_NODES_DEFAULT, quorum, member(0));
        let join = |layout: Layout, n| layout.apply(&Change::Join(member(n))).unwrap();
        let layout = Arc::new((1..nodes).fold(found.unwrap(), join));
        let (nodes, cut, calls) = (Mutex::default(), Mutex::default(), Mutex::default());
        let wires = Arc::new(Wires { nodes, layout, cut, calls });
        let mut entities = Vec::new();
        for node in &ids {
            let router = Arc::new(Router { me: *node, wires: wires.clone() });
            let start = Start {
                node: *node,
                incarnation: Incarnation(1),
                may_have_lost: false,
                is_sound: Box::new(|| true),
                read_lease: Duration::ZERO,
            };
            let store = Store::memory();
            let logs =
                Logs::open(&store, start, router.clone(), router, env.clone()).await.unwrap();
            wires.nodes.lock().unwrap().insert(*node, logs.clone());
            let sharding = Sharding::new(logs.owners(), env.clone(), Config::default());
            let handler = EntityHandler::new(logs.entities(), env.clone());
            let region = sharding.start(REGION, handler).unwrap();
            let near = NodeEntities::new(region, logs.entities(), env.clone());
            entities.push(Executor::remote(Arc::new(near)));
        }
        Arc::new(Self { wires, ids, entities, env })
    }

    /// All entities, as one node brings commands to them.
    pub(crate) fn entities(&self, n: usize) -> &Executor {
        &self.entities[n]
    }

    pub(crate) fn logs(&self, n: usize) -> Logs {
        self.wires.nodes.lock().unwrap()[&self.ids[n]].clone()
    }

    /// The nodes of a name's preference list.
    pub(crate) fn replicas(&self, name: &str) -> Vec<usize> {
        let layout = &self.wires.layout;
        let replicas = layout.replicas(layout.bucket_of(name.as_bytes())).iter();
        replicas.map(|id| self.ids.iter().position(|it| it == id).unwrap()).collect()
    }

    /// From here on node `n` hears nothing and is heard by nobody.
    pub(crate) fn cut(&self, n: usize) {
        self.wires.cut.lock().unwrap().insert(self.ids[n]);
    }

    pub(crate) fn heal(&self) {
        self.wires.cut.lock().unwrap().clear();
        for logs in self.wires.nodes.lock().unwrap().values() {
            self.ids.iter().for_each(|id| logs.seen_up(*id));
        }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        *self.wires.calls.lock().unwrap()
    }
}
