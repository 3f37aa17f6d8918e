//! One suite for both forms of sharding, and what only a cluster can show.

#![cfg(test)]

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod fabric;
mod handlers;
mod local;
mod suite;

use kvs_sharding::{Config, Handler, Region, StartError};

/// A region at each of its nodes, or why it was not started.
type Started<H> = Result<Vec<Region<<H as Handler>::Message, <H as Handler>::Reply>>, StartError>;

/// Where regions are started.
pub(crate) trait World: Sync {
    /// Starts a region at every node.
    fn start<H: Handler + Clone>(&self, name: &str, handler: H) -> Started<H>;
}

/// Limits that are easy to reach.
pub(crate) fn small() -> Config {
    let mut config = Config::default();
    config.message_bytes_max = 1000;
    config.reply_bytes_max = 1000;
    config
}
