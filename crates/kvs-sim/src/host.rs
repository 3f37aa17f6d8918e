//! What runs on a simulated machine: a real node, and clients that use it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kvs_core::env::{Background, Env};
use kvs_core::{Durability, Store};
use kvs_rng::hash::Hashing;
use kvs_rng::node::{Node, NodeConfig};
use tokio::time::sleep;

use crate::client::Client;
use crate::draw::Draw;
use crate::entities::{self, EntityClient};
use crate::net::{PORT, SimNetwork, address_of};
use crate::world::{Phase, Report, World};

/// How often the phase is looked at.
const PERIOD: Duration = Duration::from_millis(50);
/// Few, so that nodes share most buckets and start fast.
const BUCKETS: u32 = 32;
const VIRTUAL_NODES: u32 = 8;

/// Runs node `index` until its process ends.
pub(crate) async fn run(world: World, index: usize) -> turmoil::Result {
    let Some(machine) = world.machines.get(index).cloned() else { return Ok(()) };
    let start = machine.starts.fetch_add(1, Ordering::SeqCst);
    let draw = Draw::new(world.scenario.seed, &format!("node {index} start {start}"));
    let env = Env { clock: Arc::new(machine.clock.clone()), random: Arc::new(draw.clone()) };
    let durability = if world.scenario.durable { Durability::Always } else { Durability::Interval };
    let store = Store::new(machine.disk.clone(), durability, env.clone());
    let network = SimNetwork {
        here: address_of(index),
        links: world.links.clone(),
        noise: world.noise.clone(),
        draw: Draw::new(world.scenario.seed, &format!("network {index} start {start}")),
    };
    let mut config = config(&world, index)?;
    config.boot_id = Some(format!("boot {}", machine.boots.load(Ordering::SeqCst)));
    config.network = Arc::new(network);
    config.env = env.clone();
    let node = Node::start(&store, config).await?;
    let entities = entities::start(&node, &env)?;
    let entities = |name: &str| {
        let name = format!("{name} of node {index} start {start}");
        EntityClient::new(&world, entities.clone(), env.clone(), index, &name)
    };
    serve(&world, index, start, &node, entities).await
}

fn config(world: &World, index: usize) -> Result<NodeConfig, Box<dyn std::error::Error>> {
    let address = |ip: IpAddr| SocketAddr::new(ip, PORT);
    let mut config =
        NodeConfig::new(format!("node {index}"), address(Ipv4Addr::UNSPECIFIED.into()));
    config.advertise = Some(address(address_of(index)));
    config.durable = world.scenario.durable;
    config.allow_weak_quorum = true;
    if index == 0 {
        config.quorum = Some(world.scenario.quorum);
        config.hashing = Some(Hashing::new(32, BUCKETS)?);
        config.virtual_nodes = Some(VIRTUAL_NODES);
    } else {
        config.join = vec![address(address_of(0)).to_string()];
    }
    let machine = world.machines.get(index);
    if machine.is_some_and(|machine| machine.wiped.load(Ordering::SeqCst)) {
        let others = (0..world.scenario.nodes).filter(|other| *other != index);
        config.join = others.map(|other| address(address_of(other)).to_string()).collect();
    }
    Ok(config)
}

/// Lets clients work when it is time to, and reads everything when asked to.
async fn serve(
    world: &World,
    index: usize,
    start: u64,
    node: &Node,
    entities: impl Fn(&str) -> EntityClient,
) -> turmoil::Result {
    let mut clients = Vec::new();
    let mut read = 0;
    loop {
        match world.phase() {
            Phase::Working if clients.is_empty() => {
                for number in 0..world.scenario.clients {
                    let client = Client::new(world, node.ring().clone(), index, start, number);
                    clients.push(Background::run(client.work()));
                    if world.scenario.entities {
                        clients.push(Background::run(entities(&number.to_string()).work()));
                    }
                }
            }
            Phase::Reading(round) if round > read => {
                let reader = Client::new(world, node.ring().clone(), index, start, usize::MAX);
                reader.read_all().await;
                if world.scenario.entities {
                    let reader = entities(&format!("reader {round}"));
                    if round == 1 {
                        reader.settle().await;
                    }
                    reader.read_all(round).await;
                }
                read = round;
            }
            _ => {}
        }
        if let Some(layout) = node.layout() {
            let condition = node.ring().coordinator().replica().condition();
            world.report(index, Report { id: node.id(), layout, condition, read });
        }
        sleep(PERIOD).await;
    }
}
