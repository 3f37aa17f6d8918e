//! Sharding on a cluster: any node accepts, the owner executes.
//!
//! `wire` is what goes from the accepting node to the owner and back, `host` the owner's side, `route`
//! the accepting one.

mod back_off;
mod host;
mod route;
mod wire;

use std::sync::Arc;

use kvs_core::env::Env;

use crate::config::Config;
use crate::entities::Entities;
use crate::error::StartError;
use crate::handler::Handler;
use crate::owners::Owners;
use crate::region::{Region, check_start};
use host::{ByOwners, Host};
use route::Routed;

pub use back_off::{PATIENCE, TRIES_MAX};

/// Sharding on a cluster.
pub struct Sharding {
    owners: Arc<dyn Owners>,
    env: Env,
    config: Config,
}

impl Sharding {
    /// Sharding among the nodes that `owners` knows.
    pub fn new(owners: Arc<dyn Owners>, env: Env, config: Config) -> Self {
        Self { owners, env, config }
    }

    /// Starts the region `name` (1 to 128 bytes) at this node, whose entities are `handler`'s. Every
    /// node of the cluster has to start it. It lasts as long as the node.
    ///
    /// # Panics
    /// Outside of a runtime with timers, if the handler keeps state.
    pub fn start<H: Handler>(
        &self,
        name: &str,
        handler: H,
    ) -> Result<Region<H::Message, H::Reply>, StartError> {
        check_start(name, &self.config)?;
        // The cluster keeps the host, so the host must not keep the cluster.
        let owners = Arc::downgrade(&self.owners);
        let shards = ByOwners(owners.clone());
        let entities = Arc::new(Entities::new(handler, &self.config, Box::new(shards)));
        let config = self.config.clone();
        let host = Arc::new(Host::new(entities.clone(), owners, config.clone()));
        if !self.owners.host(name, host) {
            return Err(StartError::Taken { name: name.to_owned() });
        }
        let (owners, random) = (self.owners.clone(), self.env.random.clone());
        let route = Routed { name: name.into(), entities, owners, random, config };
        Ok(Region::new(name, &self.config, Arc::new(route)))
    }
}
