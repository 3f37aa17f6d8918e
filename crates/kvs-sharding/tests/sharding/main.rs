//! One suite for both forms of sharding, and what only a cluster can show.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod fabric;
mod handlers;
mod local;
mod suite;

use kvs_sharding::{Config, Handler, Region, StartError};

/// Where regions are started.
pub(crate) trait World: Sync {
    /// Starts a region at every node.
    fn start<H: Handler + Clone>(
        &self,
        name: &str,
        handler: H,
    ) -> Result<Vec<Region<H::Message, H::Reply>>, StartError>;
}

/// Limits that are easy to reach.
pub(crate) fn small() -> Config {
    let mut config = Config::default();
    config.message_bytes_max = 1000;
    config.reply_bytes_max = 1000;
    config
}
