//! Nodes that are killed and started again.

use std::net::SocketAddr;
use std::ops::Bound;
use std::time::Duration;

use kvs_core::engine::WriteSet;
use kvs_core::{Dba, DbaError, Key, Order, RowKind, Store, prefix_end};
use kvs_rng::layout::Quorum;
use kvs_rng::node::{Node, NodeConfig, NodeError};
use kvs_rng::replica::{Condition, ReplicaError};
use kvs_rng::version::{LastWriteWins, Resolver};
use tokio::time::{Instant, sleep};

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node, its store, and how it is started.
pub(crate) struct Machine {
    pub(crate) store: Store,
    pub(crate) config: NodeConfig,
    pub(crate) node: Option<Node>,
}

pub(crate) fn config(name: &str, seeds: &[SocketAddr]) -> NodeConfig {
    let mut config = NodeConfig::new(name, "127.0.0.1:0".parse().unwrap());
    config.join = seeds.iter().map(SocketAddr::to_string).collect();
    config.boot_id = Some("first boot".to_owned());
    config
}

impl Machine {
    pub(crate) async fn start(config: NodeConfig) -> Self {
        let mut machine = Self { store: Store::memory(), config, node: None };
        machine.restart().await;
        machine
    }

    /// Starts it where it was.
    pub(crate) async fn restart(&mut self) {
        let node = started(&self.store, &self.config).await.unwrap();
        self.config.listen = node.address();
        self.node = Some(node);
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(&mut self) {
        self.node = None;
        // What still writes does so to a store that nobody reads any more.
        self.store = copy(&self.store).await;
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) async fn put(&self, key: &str, value: &str) {
        until(&format!("{key} is taken"), async || {
            match self.node().ring().put(&Key::from(key), value.into()).await {
                Ok(()) => true,
                Err(error) if error.is_retryable() => false,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, DbaError> {
        self.node().ring().get(&Key::from(key)).await
    }

    /// What this node's own replica says.
    pub(crate) async fn get_here(&self, key: &str) -> Result<Option<Vec<u8>>, ReplicaError> {
        let key = Key::from(key);
        let coordinator = self.node().ring().coordinator();
        let bucket = coordinator.layout().unwrap().bucket_of(key.partition());
        let versions = coordinator.replica().get(bucket, &key).await?;
        Ok(LastWriteWins.resolve(&key, versions.siblings(), 0).into_value())
    }

    pub(crate) async fn condition(&self) -> Condition {
        self.node().status().await.unwrap().condition
    }

    pub(crate) async fn is(&self, condition: Condition) {
        until(&format!("the node is {condition:?}"), async || self.condition().await == condition)
            .await;
    }
}

/// Starts a node; where it listened before may be free only in a moment.
pub(crate) async fn started(store: &Store, config: &NodeConfig) -> Result<Node, NodeError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match Node::start(store, config.clone()).await {
            Err(NodeError::Transport(_) | NodeError::Membership(_)) if Instant::now() < until => {
                sleep(Duration::from_millis(50)).await;
            }
            started => return started,
        }
    }
}

/// Machines of one cluster, in which all know of each other.
pub(crate) async fn cluster(nodes: usize, quorum: (u8, u8, u8)) -> Vec<Machine> {
    let mut founder = config("node 0", &[]);
    founder.quorum = Some(Quorum { n: quorum.0, w: quorum.1, r: quorum.2 });
    let mut machines = vec![Machine::start(founder).await];
    let seeds = [machines[0].config.listen];
    for node in 1..nodes {
        machines.push(Machine::start(config(&format!("node {node}"), &seeds)).await);
    }
    all_up(&machines).await;
    machines
}

/// Waits until each that runs sees all members of the same layout up.
pub(crate) async fn all_up(machines: &[Machine]) {
    until("all are up", async || {
        for machine in machines.iter().filter(|machine| machine.node.is_some()) {
            let status = machine.node().status().await.unwrap();
            let up = status.members.iter().filter(|member| member.state.is_some()).count();
            if (status.members.len(), up) != (machines.len(), machines.len()) {
                return false;
            }
        }
        true
    })
    .await;
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A copy of all rows.
pub(crate) async fn copy(store: &Store) -> Store {
    let copied = Store::memory();
    for kind in RowKind::ALL {
        let start = [kind as u8];
        let end = prefix_end(&start).map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(start.to_vec()), end);
        let rows = store.raw().scan(range, Order::Ascending, usize::MAX, usize::MAX).await.unwrap();
        let mut writes = WriteSet::default();
        rows.iter().for_each(|row| writes.stored(&row.key, Some(&row.value)));
        copied.raw().write(writes).await.unwrap();
    }
    copied
}
