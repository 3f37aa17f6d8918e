//! Clusters in one thread, on paused time, over links that can be cut.

mod chaos;
mod disks;
mod failing;
mod forming;
mod handling;
mod policy;
mod recovering;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::Store;
use kvs_core::env::Env;
use tokio::time::{Instant, sleep};

use super::config::Peer;
use super::wire::ProposeMessage;
use super::*;
use crate::hash::Hashing;
use crate::identity::ClusterId;
use crate::layout::{Member, Quorum};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(50);

fn id(n: u8) -> NodeId {
    NodeId::from_bytes([n; 16])
}

fn ids(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<NodeId> {
    numbers.into_iter().map(id).collect()
}

fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n], 7000))
}

fn member(n: u8) -> Member {
    Member::new(id(n), format!("node {n}"), address(n))
}

fn first_layout(cluster: u8, n: u8) -> Layout {
    let hashing = Hashing::new(32, 16).unwrap();
    let cluster = ClusterId::from_bytes([cluster; 16]);
    Layout::found(cluster, "test", hashing, 8, Quorum::default(), member(n)).unwrap()
}

#[derive(Default)]
struct Net {
    nodes: Mutex<BTreeMap<NodeId, Arc<Consensus>>>,
    addresses: Mutex<BTreeMap<SocketAddr, NodeId>>,
    cut: Mutex<BTreeSet<(NodeId, NodeId)>>,
}

impl Net {
    fn connected(&self, a: NodeId, b: NodeId) -> bool {
        !self.cut.lock().unwrap().contains(&(a, b))
    }
}

struct NetLink {
    net: Arc<Net>,
    me: NodeId,
}

#[async_trait]
impl Link for NetLink {
    async fn call(
        &self,
        to: Option<NodeId>,
        address: SocketAddr,
        request: Vec<u8>,
        _deadline: Duration,
    ) -> Result<Vec<u8>, LinkError> {
        sleep(Duration::from_millis(1)).await;
        let there = self.net.addresses.lock().unwrap().get(&address).copied();
        let there = there.filter(|there| to.is_none_or(|to| to == *there));
        let there = there.filter(|there| self.net.connected(self.me, *there));
        let node = there.and_then(|there| self.net.nodes.lock().unwrap().get(&there).cloned());
        let (Some(node), Some(to)) = (node, there) else {
            return Err(LinkError::NotSent("no way".to_owned()));
        };
        let answer = node.handle(self.me, &request).await;
        if self.net.connected(to, self.me) {
            Ok(answer)
        } else {
            Err(LinkError::NoAnswer("the way back is cut".to_owned()))
        }
    }
}

struct Cluster {
    net: Arc<Net>,
    stores: BTreeMap<u8, Store>,
    config: ConsensusConfig,
    seed: u64,
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let config = ConsensusConfig::default();
        Self { net: Arc::default(), stores: BTreeMap::new(), config, seed }
    }

    /// A cluster of the nodes 1 to `nodes`, whose votes are given out.
    async fn of(nodes: u8) -> Self {
        let mut cluster = Self::new(1);
        cluster.start(1).await;
        cluster.node(1).found(first_layout(1, 1)).await.unwrap();
        for n in 2..=nodes {
            cluster.start(n).await;
            cluster.node(n).join(&member(n), &[address(1)], LONG).await.unwrap();
        }
        cluster.settled(1..=nodes).await;
        cluster
    }

    /// Starts a node, on the store that it had or a new one.
    async fn start(&mut self, n: u8) {
        self.start_at(n, address(n)).await;
    }

    async fn start_at(&mut self, n: u8, address: SocketAddr) {
        {
            let mut addresses = self.net.addresses.lock().unwrap();
            addresses.retain(|_, holder| *holder != id(n));
            addresses.insert(address, id(n));
        }
        let store = self.stores.entry(n).or_insert_with(Store::memory).clone();
        let link = Arc::new(NetLink { net: self.net.clone(), me: id(n) });
        let (env, _) = Env::manual(0, self.seed + u64::from(n));
        let config = self.config.clone();
        let node = Consensus::start(id(n), &store, link, Arc::new(AdmitAll), &env, config).await;
        self.net.nodes.lock().unwrap().insert(id(n), Arc::new(node.unwrap()));
    }

    async fn stop(&self, n: u8) {
        let node = self.net.nodes.lock().unwrap().remove(&id(n)).unwrap();
        node.shutdown().await;
    }

    fn node(&self, n: u8) -> Arc<Consensus> {
        self.net.nodes.lock().unwrap().get(&id(n)).unwrap().clone()
    }

    fn layout(&self, n: u8) -> Arc<Layout> {
        self.node(n).layout().borrow().clone().unwrap()
    }

    fn status(&self, n: u8) -> ConsensusStatus {
        self.node(n).status()
    }

    /// Whom all of `nodes` follow, if they agree.
    fn leader(&self, nodes: impl IntoIterator<Item = u8>) -> Option<u8> {
        let leaders: BTreeSet<_> = nodes.into_iter().map(|n| self.status(n).leader).collect();
        let leader = leaders.first().copied().flatten().filter(|_| leaders.len() == 1)?;
        Some(leader.as_bytes()[0])
    }

    async fn new_leader(&self, nodes: impl IntoIterator<Item = u8> + Clone) -> u8 {
        let here = || {
            let nodes: Vec<_> = nodes.clone().into_iter().collect();
            self.leader(nodes.clone()).filter(|leader| nodes.contains(leader))
        };
        until("a leader", || here().is_some()).await;
        here().unwrap()
    }

    /// Waits until `nodes`, all the members there are, have the same layout and as many voters as they
    /// should.
    async fn settled(&self, nodes: impl IntoIterator<Item = u8> + Clone) {
        let all: BTreeSet<u8> = nodes.into_iter().collect();
        until("the cluster to settle", || {
            all.iter().all(|n| {
                let Some(layout) = self.node(*n).layout().borrow().clone() else { return false };
                let status = self.status(*n);
                let known: BTreeSet<_> = status.voters.union(&status.learners).copied().collect();
                layout.members().keys().eq(known.iter())
                    && known == ids(all.iter().copied())
                    && status.voters.len() == policy::voters_wanted_of(all.len())
            })
        })
        .await;
        until("one layout", || {
            let versions: BTreeSet<_> = all.iter().map(|n| self.layout(*n).version()).collect();
            versions.len() == 1
        })
        .await;
    }

    /// Cuts all ways between `a` and `b`.
    fn part(&self, a: &[u8], b: &[u8]) {
        let mut cut = self.net.cut.lock().unwrap();
        for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (id(*a), id(*b)))) {
            cut.extend([(a, b), (b, a)]);
        }
    }

    fn heal(&self) {
        self.net.cut.lock().unwrap().clear();
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(300), "waited in vain for {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
