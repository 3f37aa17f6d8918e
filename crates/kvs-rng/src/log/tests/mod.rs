//! A cluster of logs in one process, over links that can be cut.

mod commands;
mod crashes;
mod doubts;
mod holding;
mod idle;
mod lagging;
mod leases;
mod messages;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::entity::{self, View};
use kvs_core::env::{Clock, Env, SeededRandom};
use kvs_core::{CallOptions, CommandId, Dba, DbaError, Key, Outcome, Session, Store};
use tokio::time::{Instant, sleep};

use super::*;
use crate::coordinator::{Layouts, PeerError, Peers};
use crate::hash::{Bucket, Hashing};
use crate::identity::{ClusterId, Incarnation, NodeId};
use crate::layout::{Change, Layout, Member, VIRTUAL_NODES_DEFAULT};

/// More than any test takes by simulated time.
const PATIENCE: Duration = Duration::from_secs(600);
const BUCKETS: u32 = 16;

/// What the nodes share.
#[derive(Default)]
struct World {
    nodes: Mutex<BTreeMap<NodeId, Logs>>,
    layout: Mutex<Option<Arc<Layout>>>,
    /// Nodes that no message comes from or gets to.
    cut: Mutex<BTreeSet<NodeId>>,
    /// Those that gossip takes for down.
    down: Mutex<BTreeSet<NodeId>>,
    calls: Mutex<u64>,
    /// One message in so many is lost, late or there twice; 0: none.
    faults: Mutex<u64>,
}

struct Router {
    me: NodeId,
    env: Env,
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
        *self.world.calls.lock().unwrap() += 1;
        let is_cut = || {
            let cut = self.world.cut.lock().unwrap();
            cut.contains(&to) || cut.contains(&self.me)
        };
        let lost = || PeerError { sent: true, reason: "no answer".to_owned() };
        let faults = *self.world.faults.lock().unwrap();
        let hit = || faults > 0 && self.env.random.next_u64().is_multiple_of(faults);
        sleep(Duration::from_millis(if hit() { 100 } else { 1 })).await;
        if is_cut() || hit() {
            sleep(deadline).await;
            return Err(lost());
        }
        let node = self.world.nodes.lock().unwrap().get(&to).cloned();
        let Some(node) = node else {
            return Err(PeerError { sent: false, reason: "nobody listens".to_owned() });
        };
        if hit() {
            let (node, from, body) = (node.clone(), self.me, body.clone());
            kvs_core::env::spawn(async move {
                sleep(Duration::from_millis(30)).await;
                let _ = node.handle(from, method, &body).await;
            });
        }
        let handled = tokio::time::timeout(deadline, node.handle(self.me, method, &body)).await;
        let answer = handled.map_err(|_elapsed| lost())?;
        if is_cut() || hit() {
            return Err(lost());
        }
        answer.map_err(|error| PeerError { sent: true, reason: error.to_string() })
    }

    fn is_up(&self, node: NodeId) -> bool {
        !self.world.down.lock().unwrap().contains(&node)
    }
}

#[async_trait]
impl Layouts for Router {
    fn current(&self) -> Option<Arc<Layout>> {
        self.world.layout.lock().unwrap().clone()
    }

    async fn fetch_newer(&self, _: NodeId) {}
}

/// The clock of the runtime, which jumps to the next thing that happens.
struct Simulated(Instant);

impl Clock for Simulated {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + u64::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Cluster {
    world: Arc<World>,
    ids: Vec<NodeId>,
    stores: Vec<Store>,
    layout: Arc<Layout>,
    env: Env,
    starts: Mutex<u64>,
    read_lease: Mutex<Duration>,
}

fn member(number: u8) -> Member {
    let id = NodeId::from_bytes(xxhash_rust::xxh3::xxh3_128(&[number]).to_be_bytes());
    Member::new(id, format!("node-{number}"), ([127, 0, 0, 1], 4000 + u16::from(number)).into())
}

impl Cluster {
    async fn new(nodes: u8, quorum: &str) -> Arc<Self> {
        Self::seeded(nodes, quorum, 1).await
    }

    async fn seeded(nodes: u8, quorum: &str, seed: u64) -> Arc<Self> {
        Self::with(nodes, quorum, seed, Duration::ZERO).await
    }

    async fn with(nodes: u8, quorum: &str, seed: u64, read_lease: Duration) -> Arc<Self> {
        let clock = Arc::new(Simulated(Instant::now()));
        let env = Env { clock, random: Arc::new(SeededRandom::new(seed)) };
        let hashing = Hashing::new(32, BUCKETS).unwrap();
        let (cluster, quorum) = (ClusterId::from_bytes([1; 16]), quorum.parse().unwrap());
        let found =
            Layout::found(cluster, "test", hashing, VIRTUAL_NODES_DEFAULT, quorum, member(0));
        let join = |layout: Layout, n| layout.apply(&Change::Join(member(n))).unwrap();
        let layout = Arc::new((1..nodes).fold(found.unwrap(), join));
        let cluster = Self {
            world: Arc::default(),
            ids: (0..nodes).map(|n| member(n).id).collect(),
            stores: (0..nodes).map(|_| Store::memory()).collect(),
            layout: layout.clone(),
            env,
            starts: Mutex::default(),
            read_lease: Mutex::new(read_lease),
        };
        *cluster.world.layout.lock().unwrap() = Some(layout);
        for n in 0..nodes.into() {
            cluster.start(n, false).await;
        }
        Arc::new(cluster)
    }

    /// Starts a node on its store.
    async fn start(&self, n: usize, may_have_lost: bool) {
        let incarnation = {
            let mut starts = self.starts.lock().unwrap();
            *starts += 1;
            Incarnation(*starts)
        };
        let node = self.ids[n];
        let router =
            Arc::new(Router { me: node, env: self.env.clone(), world: self.world.clone() });
        let read_lease = *self.read_lease.lock().unwrap();
        let is_sound = Box::new(|| true);
        let start = Start { node, incarnation, may_have_lost, is_sound, read_lease };
        let logs = Logs::open(&self.stores[n], start, router.clone(), router, self.env.clone());
        let logs = logs.await.unwrap();
        self.world.nodes.lock().unwrap().insert(node, logs);
        self.world.down.lock().unwrap().remove(&node);
    }

    /// Ends a node as if its process had been killed; gossip may or may not notice.
    fn kill(&self, n: usize, is_noticed: bool) {
        let node = self.world.nodes.lock().unwrap().remove(&self.ids[n]);
        node.unwrap().close();
        if is_noticed {
            self.world.down.lock().unwrap().insert(self.ids[n]);
        }
    }

    /// Node `n` comes back with an empty disk, as another one.
    async fn replace(&mut self, n: usize) {
        let old = self.ids[n];
        if self.world.nodes.lock().unwrap().contains_key(&old) {
            self.kill(n, true);
        }
        let place = self.layout.member(old).unwrap().clone();
        let id = NodeId::new(&self.env);
        self.ids[n] = id;
        self.stores[n] = Store::memory();
        self.start(n, false).await;
        self.logs(n).unwrap().begin_with_nothing().await.unwrap();
        let change = Change::Replace { old, member: Member { id, ..place } };
        self.layout = Arc::new(self.layout.apply(&change).unwrap());
        *self.world.layout.lock().unwrap() = Some(self.layout.clone());
        for logs in self.world.nodes.lock().unwrap().values() {
            logs.layout_changed();
        }
    }

    /// From here on node `n` hears nothing and is heard by nobody.
    fn cut(&self, n: usize) {
        self.world.cut.lock().unwrap().insert(self.ids[n]);
    }

    fn heal(&self) {
        self.world.cut.lock().unwrap().clear();
        for (id, logs) in &*self.world.nodes.lock().unwrap() {
            logs.seen_up(*id);
        }
    }

    fn logs(&self, n: usize) -> Option<Logs> {
        self.world.nodes.lock().unwrap().get(&self.ids[n]).cloned()
    }

    fn calls(&self) -> u64 {
        *self.world.calls.lock().unwrap()
    }

    fn place(&self, id: NodeId) -> usize {
        self.ids.iter().position(|it| *it == id).unwrap()
    }

    /// The nodes of a name's preference list.
    fn replicas(&self, name: &str) -> Vec<usize> {
        let bucket = self.layout.bucket_of(name.as_bytes());
        self.layout.replicas(bucket).iter().map(|id| self.place(*id)).collect()
    }

    /// Adds one to a counter by way of node `n`, and gives what it was before; tries until that is
    /// known to be done, once.
    async fn add(&self, n: usize, name: &str) -> u64 {
        let options = CallOptions::default().command(CommandId::new(&self.env));
        let until = Instant::now() + PATIENCE;
        let mut place = n;
        loop {
            assert!(Instant::now() < until, "{name} can't be added to");
            let Some(logs) = self.logs(place) else {
                place = (place + 1) % self.ids.len();
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            match logs.owners().owner(name.as_bytes()) {
                Owner::Here => {}
                Owner::At(owner) => place = self.place(owner),
                Owner::Nobody { .. } => sleep(Duration::from_millis(50)).await,
            }
            let Some(logs) = self.logs(place) else {
                logs.driver.reach.failed(self.ids[place]);
                continue;
            };
            match add_at(&logs, name, &options).await {
                Ok(before) => return before,
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    if let DbaError::NotOwner { owner: Some(owner), .. } = &error {
                        place = self.place(owner.parse().unwrap());
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// What node `n` shows of a counter by itself.
    async fn held(&self, n: usize, name: &str) -> u64 {
        let view = self.view(n, name, &Session::new()).await;
        let held = number(view.rows().get(&Key::new(name, [0x10])).await.unwrap());
        assert!(view.end(), "nothing happens meanwhile");
        held
    }

    /// The rows that node `n` has, once it has what the session has seen.
    async fn view(&self, n: usize, name: &str, session: &Session) -> View {
        let options = CallOptions::default().session(session.clone());
        let until = Instant::now() + PATIENCE;
        loop {
            let entities = self.logs(n).unwrap().entities();
            if let Some(view) = entities.view(name.as_bytes(), &options).await.unwrap() {
                return view;
            }
            assert!(Instant::now() < until, "node {n} lags behind");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all replicas have `expected` of a counter.
    async fn settled(&self, name: &str, expected: u64) {
        let until = Instant::now() + PATIENCE;
        for n in self.replicas(name) {
            while self.held(n, name).await != expected {
                let held = self.held(n, name).await;
                assert!(Instant::now() < until, "node {n} has {held} instead of {expected}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn number(bytes: Option<Vec<u8>>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

async fn add_at(logs: &Logs, name: &str, options: &CallOptions) -> Result<u64, DbaError> {
    let key = Key::new(name, [0x10]);
    entity::run(&*logs.entities(), name.as_bytes(), options, |scope| async move {
        let before = number(scope.get(&key).await?);
        scope.put(&key, (before + 1).to_be_bytes().to_vec()).await?;
        Ok::<u64, DbaError>(before)
    })
    .await
}

/// Reads a counter at its owner, by a command.
async fn look(logs: &Logs, name: &str, options: &CallOptions) -> Result<u64, DbaError> {
    let key = Key::new(name, [0x10]);
    entity::run(&*logs.entities(), name.as_bytes(), options, |scope| async move {
        Ok::<u64, DbaError>(number(scope.get(&key).await?))
    })
    .await
}

/// Names of different buckets.
fn names(cluster: &Cluster, count: usize) -> Vec<String> {
    let mut seen = BTreeSet::<Bucket>::new();
    (0..)
        .map(|n| format!("counter-{n}"))
        .filter(|name| seen.insert(cluster.layout.bucket_of(name.as_bytes())))
        .take(count)
        .collect()
}
