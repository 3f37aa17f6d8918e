//! How a node starts.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kvs_core::Store;
use kvs_core::env::Background;

use super::config::{NodeConfig, READ_LEASE};
use super::error::NodeError;
use super::identity::Persona;
use super::layouts::Published;
use super::link::{Link, Replicas};
use super::lives::Lives;
use super::service::Inbox;
use super::witness::{Run, Witnesses};
use super::{Node, admission, join, keeper};
use crate::consensus::{self, Consensus};
use crate::coordinator::{Coordinator, Layouts, Ring};
use crate::hints::Hints;
use crate::identity::ClusterId;
use crate::layout::{Change, Layout, Member};
use crate::log::{self, Logs};
use crate::membership::{self, Membership};
use crate::replica::{Condition, Replica};
use crate::transport::{self, Transport};
use crate::version::{AHEAD_MAX, HybridClock, LastWriteWins};

/// How long telling the cluster of a new address may take.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);

/// Closes the transport when it is dropped: what serves its requests holds it, and would keep it open.
pub(super) struct Closing(Transport, OnceLock<Logs>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
        if let Some(logs) = self.1.get() {
            logs.close();
        }
    }
}

pub(super) async fn start(store: &Store, config: NodeConfig) -> Result<Node, NodeError> {
    let quorum = config.quorum.unwrap_or_default();
    quorum.check(config.allow_weak_quorum)?;
    if !config.read_lease.is_zero() && !READ_LEASE.contains(&config.read_lease) {
        return Err(NodeError::ReadLease { found: config.read_lease });
    }
    let mut persona = Persona::next(store, &config.env, &config.cluster_name).await?;
    let id = persona.node;
    let clock = Arc::new(HybridClock::new(&config.env, AHEAD_MAX));
    let replica = Replica::open(store, id, clock, config.boot_id.clone(), config.durable).await?;

    let lives = Lives::open(store, &replica).await?;
    let held = consensus::held_layout(store).await?;

    let inbox = Arc::new(Inbox::default());
    let mut transport_config = transport_config(&config, &persona);
    transport_config.door = Some(lives.clone());
    let transport = Transport::start(
        transport_config,
        config.network.clone(),
        config.env.clone(),
        inbox.clone(),
    )
    .await?;
    let closing = Closing(transport.clone(), OnceLock::new());
    let address = advertised(&config, transport.local_address());
    // Before anybody else hears of this node: it must not drive out one that runs.
    join::check_moved(&transport, held.as_ref(), id, address).await?;
    let consensus = Consensus::start(
        id,
        store,
        Arc::new(Link(transport.clone())),
        admission::admission(&transport, &inbox, id),
        &config.env,
        config.consensus.clone(),
    )
    .await?;
    let consensus = Arc::new(consensus);
    let layouts = Arc::new(Published::new(consensus.clone()));
    // Each is set once, here.
    let _ = inbox.consensus.set(consensus.clone());
    let _ = inbox.replica.set(replica.clone());
    let _ = inbox.lives.set(lives.clone());

    let seeds = resolve(&config).await?;
    let membership = Membership::start(
        membership_config(&config, &persona, address, transport.local_address(), seeds.clone()),
        &*config.network,
        &config.env,
    )
    .await?;
    let membership = Arc::new(membership);

    let peers = Arc::new(Replicas {
        transport: transport.clone(),
        membership: membership.clone(),
        layouts: layouts.clone(),
    });
    let hints = Hints::open(store).await?;
    let coordinator = Coordinator::new(
        id,
        replica.clone(),
        peers.clone(),
        layouts.clone(),
        hints,
        config.env.clone(),
        config.gather_timeout,
    );
    let run = Run::new(persona.incarnation, &config.env);
    let mut witnesses =
        layouts.current().map(|layout| Witnesses::new(&transport, &replica, &lives, run, &layout));
    if let Some(witnesses) = &mut witnesses {
        witnesses.ask().await;
    }
    let witnessing = Background::run(async move {
        if let Some(witnesses) = witnesses {
            witnesses.ask_on().await;
        }
    });
    // Only now: no write is minted before that.
    let _ = inbox.coordinator.set(coordinator.clone());
    let logs = open_logs(store, &config, &persona, &replica, peers, layouts.clone()).await?;
    let _ = closing.1.set(logs.clone());
    let _ = inbox.logs.set(logs.clone());
    let replaying = coordinator.replaying();
    let keeper = keeper::keep(
        id,
        membership.clone(),
        layouts.clone(),
        coordinator.clone(),
        lives,
        logs.clone(),
    );
    let keeper = Background::run(keeper);
    let (recovering, mending) = (coordinator.recovering(), logs.mending());

    let me = Member {
        zone: config.zone.clone(),
        weight: config.weight,
        ..Member::new(id, &config.name, address)
    };
    let layout = match layouts.current() {
        Some(layout) => layout,
        None if seeds.is_empty() => found(&config, &consensus, me.clone()).await?,
        None => {
            let check = |layout: &Layout| check_settings(&config, layout);
            join::join(&transport, &consensus, &replica, &logs, &me, &seeds, &check).await?
        }
    };
    check_cluster(&config, &persona, &layout)?;
    transport.set_cluster(layout.cluster());
    if persona.cluster.is_none() {
        persona.cluster = Some(layout.cluster());
        persona.save(store).await?;
    }
    announce(&consensus, &layout, &me).await?;

    let ring = Ring::new(coordinator, Arc::new(LastWriteWins));
    Ok(Node {
        id,
        transport,
        membership,
        consensus,
        layouts,
        replica,
        ring,
        logs,
        _closing: closing,
        _background: [replaying, keeper, recovering, mending, witnessing],
    })
}

/// The logs of the node's buckets.
async fn open_logs(
    store: &Store,
    config: &NodeConfig,
    persona: &Persona,
    replica: &Replica,
    peers: Arc<Replicas>,
    layouts: Arc<Published>,
) -> Result<Logs, NodeError> {
    let replica = replica.clone();
    // One that catches up has all that it acknowledged.
    let may_have_lost = !matches!(replica.condition(), Condition::Clean | Condition::CatchingUp);
    // What is found to be lost while the node runs was not known when its logs were opened.
    let is_sound = move || replica.condition() != Condition::OldFolder && !replica.has_found_loss();
    let start = log::Start {
        node: persona.node,
        incarnation: persona.incarnation,
        may_have_lost,
        is_sound: Box::new(is_sound),
        read_lease: config.read_lease,
    };
    Ok(Logs::open(store, start, peers, layouts, config.env.clone()).await?)
}

fn transport_config(config: &NodeConfig, persona: &Persona) -> transport::Config {
    let mut transport = transport::Config::new(
        persona.node,
        persona.incarnation,
        config.cluster_name.as_str(),
        config.listen,
    );
    transport.advertise = config.advertise;
    transport.cluster = persona.cluster;
    transport.security = config.security.clone();
    transport
}

/// Where others reach this node: the port may have been chosen by the system.
fn advertised(config: &NodeConfig, bound: SocketAddr) -> SocketAddr {
    let wanted = config.advertise.unwrap_or(bound);
    let port = if wanted.port() == 0 { bound.port() } else { wanted.port() };
    SocketAddr::new(wanted.ip(), port)
}

fn membership_config(
    config: &NodeConfig,
    persona: &Persona,
    address: SocketAddr,
    bound: SocketAddr,
    seeds: Vec<SocketAddr>,
) -> membership::Config {
    // Datagrams come to the port of the streams.
    let bind = SocketAddr::new(config.listen.ip(), bound.port());
    membership::Config {
        advertise: Some(address),
        keys: config.gossip_keys.clone(),
        seeds,
        timing: config.timing,
        ..membership::Config::new(persona.node, persona.incarnation, &config.cluster_name, bind)
    }
}

async fn resolve(config: &NodeConfig) -> Result<Vec<SocketAddr>, NodeError> {
    let mut seeds = Vec::new();
    for name in &config.join {
        let found = config.network.resolve(name).await;
        let found = found.map_err(|source| NodeError::Resolve { name: name.clone(), source })?;
        seeds.extend(found);
    }
    Ok(seeds)
}

async fn found(
    config: &NodeConfig,
    consensus: &Consensus,
    me: Member,
) -> Result<Arc<Layout>, NodeError> {
    let layout = Layout::found(
        ClusterId::new(&config.env),
        &config.cluster_name,
        config.hashing.unwrap_or_default(),
        config.virtual_nodes(),
        config.quorum.unwrap_or_default(),
        me,
    )?;
    Ok(consensus.found(layout).await?)
}

/// Whether this node, its settings and the layout belong together.
fn check_cluster(config: &NodeConfig, persona: &Persona, layout: &Layout) -> Result<(), NodeError> {
    if let Some(expected) = persona.cluster
        && expected != layout.cluster()
    {
        return Err(NodeError::MixedFolder { found: layout.cluster(), expected });
    }
    if layout.member(persona.node).is_none() {
        return Err(NodeError::Removed { node: persona.node });
    }
    check_settings(config, layout)
}

/// Whether the settings that belong to the cluster are the cluster's, as far as they were given.
fn check_settings(config: &NodeConfig, layout: &Layout) -> Result<(), NodeError> {
    let differs = |what, found: String, given: Option<String>| match given {
        Some(given) if given != found => Err(NodeError::Differs { what, found, given }),
        _ => Ok(()),
    };
    differs("quorum", layout.quorum().to_string(), config.quorum.map(|it| it.to_string()))?;
    let hashing = layout.hashing();
    differs(
        "number of buckets",
        hashing.buckets().to_string(),
        config.hashing.map(|it| it.buckets().to_string()),
    )?;
    differs(
        "hash length",
        hashing.hash_length().to_string(),
        config.hashing.map(|it| it.hash_length().to_string()),
    )?;
    differs(
        "number of virtual nodes",
        layout.virtual_nodes().to_string(),
        config.virtual_nodes.map(|it| it.to_string()),
    )
}

/// Tells the cluster where this node is and what it is called, if that has changed. Its zone and
/// weight stay as they were when it joined: they decide where data is.
async fn announce(consensus: &Consensus, layout: &Layout, me: &Member) -> Result<(), NodeError> {
    let Some(held) = layout.member(me.id) else { return Ok(()) };
    if (held.address, &held.name) == (me.address, &me.name) {
        return Ok(());
    }
    let member = Member { address: me.address, name: me.name.clone(), ..held.clone() };
    match consensus.propose(&Change::Update(member), UPDATE_TIMEOUT).await {
        Ok(_) => Ok(()),
        Err(error) => Err(NodeError::Update(error)),
    }
}
