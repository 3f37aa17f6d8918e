//! Clients of the Redis protocol.

use std::net::SocketAddr;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;

use super::load::{Client, Target};
use crate::Result;

/// Clients of servers of the Redis protocol.
pub(super) struct Resp {
    addresses: Vec<SocketAddr>,
    commands: [&'static str; 2],
}

impl Resp {
    /// Clients of a ring.
    pub(super) fn ring(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, commands: ["RING.PUT", "RING.GET"] }
    }

    /// Clients of Redis.
    pub(super) fn redis(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, commands: ["SET", "GET"] }
    }
}

#[async_trait]
impl Target for Resp {
    async fn client(&self, n: usize) -> Result<Box<dyn Client>> {
        let address = self.addresses.get(n % self.addresses.len()).ok_or("no address")?;
        let client = redis::Client::open(format!("redis://{address}/"))?;
        let connection = client.get_multiplexed_async_connection().await?;
        Ok(Box::new(RespClient { connection, commands: self.commands }))
    }
}

struct RespClient {
    connection: MultiplexedConnection,
    commands: [&'static str; 2],
}

#[async_trait]
impl Client for RespClient {
    async fn put(&mut self, key: &[u8], value: &[u8]) -> Result {
        let [put, _] = self.commands;
        Ok(redis::cmd(put).arg(key).arg(value).query_async(&mut self.connection).await?)
    }

    async fn get(&mut self, key: &[u8]) -> Result {
        let [_, get] = self.commands;
        let found: Option<Vec<u8>> =
            redis::cmd(get).arg(key).query_async(&mut self.connection).await?;
        found.map(drop).ok_or_else(|| "no such key".into())
    }
}
