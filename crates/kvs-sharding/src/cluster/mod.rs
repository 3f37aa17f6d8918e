//! Sharding on a cluster: any node accepts, the owner executes.
//!
//! `wire` is what goes from the accepting node to the owner and back, `host` the owner's side, `route`
//! the accepting one.

mod back_off;
mod host;
mod route;
mod wire;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use kvs_core::env::Env;
use kvs_rng::identity::NodeId;
use kvs_rng::log::{BODY_MAX, Owners};

use crate::config::Config;
use crate::entities::Entities;
use crate::error::StartError;
use crate::handler::Handler;
use crate::lines::Lines;
use crate::region::{Region, check_start};
use host::{ByOwners, Host};
use route::Routed;

/// Room for what is around a message or a reply between two nodes.
const HEAD_BYTES_MAX: usize = 4 << 10;

pub use back_off::{PATIENCE, TRIES_MAX};

/// Sharding on a cluster.
pub struct Sharding {
    owners: Arc<dyn Owners>,
    env: Env,
    config: Config,
    names: Mutex<BTreeSet<String>>,
    /// The lines before the other nodes, for all regions.
    calls: Arc<Lines<NodeId>>,
}

impl Sharding {
    /// Sharding among the nodes that `owners` knows. One for each node: region names are told apart by
    /// it.
    pub fn new(owners: Arc<dyn Owners>, env: Env, config: Config) -> Self {
        let calls = Arc::new(Lines::new(config.calls_max));
        Self { owners, env, config, names: Mutex::default(), calls }
    }

    /// Starts the region `name` (1 to 128 bytes) at this node, whose entities are `handler`'s. Every
    /// node of the cluster has to start it. It lasts as long as the node.
    ///
    /// # Panics
    /// Outside of a runtime with timers.
    pub fn start<H: Handler>(
        &self,
        name: &str,
        handler: H,
    ) -> Result<Region<H::Message, H::Reply>, StartError> {
        check_start(name, &self.config)?;
        self.check_sizes()?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.insert(name.to_owned()) {
            return Err(StartError::Taken { name: name.to_owned() });
        }
        // The cluster keeps the host, so the host must not keep the cluster.
        let owners = Arc::downgrade(&self.owners);
        let shards = ByOwners(owners.clone());
        let entities = Arc::new(Entities::new(handler, &self.config, Box::new(shards)));
        let config = self.config.clone();
        let host = Host::new(entities.clone(), owners, self.owners.lost(), config.clone());
        self.owners.on_call(name, Arc::new(host));
        let (owners, calls) = (self.owners.clone(), self.calls.clone());
        let random = self.env.random.clone();
        let route = Routed { name: name.into(), entities, owners, calls, random, config };
        Ok(Region::new(name, &self.config, Arc::new(route)))
    }

    fn check_sizes(&self) -> Result<(), StartError> {
        let largest = self.config.message_bytes_max.max(self.config.reply_bytes_max);
        if largest > BODY_MAX - HEAD_BYTES_MAX {
            let detail = "messages or replies may be larger than what a call takes";
            return Err(StartError::Config { detail });
        }
        Ok(())
    }
}
