//! Clients of the Redis protocol.

use std::net::SocketAddr;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;

use super::load::{Client, Target};
use crate::Result;

/// Clients of servers of the Redis protocol.
pub(super) struct Resp {
    addresses: Vec<SocketAddr>,
    commands: Commands,
}

/// What puts and gets are.
#[derive(Clone, Copy)]
struct Commands {
    put: &'static str,
    /// What stands between the key and the value.
    between: &'static [&'static str],
    get: &'static str,
    /// What follows the key.
    after: &'static [&'static str],
}

impl Resp {
    /// Clients of a ring.
    pub(super) fn ring(addresses: Vec<SocketAddr>) -> Self {
        Self::of(addresses, ("RING.PUT", &[]), ("RING.GET", &[]))
    }

    /// Clients of Redis.
    pub(super) fn redis(addresses: Vec<SocketAddr>) -> Self {
        Self::of(addresses, ("SET", &[]), ("GET", &[]))
    }

    /// Clients that put entries into feeds, and get the newest.
    pub(super) fn feeds(addresses: Vec<SocketAddr>) -> Self {
        Self::of(addresses, ("FEED.ADD", &[]), ("FEED.HEAD", &[]))
    }

    /// Clients that put entries into streams of Redis, and get the newest.
    pub(super) fn streams(addresses: Vec<SocketAddr>) -> Self {
        let newest = &["+", "-", "COUNT", "1"];
        Self::of(addresses, ("XADD", &["*", "value"]), ("XREVRANGE", newest))
    }

    fn of(
        addresses: Vec<SocketAddr>,
        (put, between): (&'static str, &'static [&'static str]),
        (get, after): (&'static str, &'static [&'static str]),
    ) -> Self {
        Self { addresses, commands: Commands { put, between, get, after } }
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
    commands: Commands,
}

#[async_trait]
impl Client for RespClient {
    async fn put(&mut self, key: &[u8], value: &[u8]) -> Result {
        let Commands { put, between, .. } = self.commands;
        let mut command = redis::cmd(put);
        command.arg(key).arg(between).arg(value);
        Ok(command.query_async(&mut self.connection).await?)
    }

    async fn get(&mut self, key: &[u8]) -> Result {
        let Commands { get, after, .. } = self.commands;
        let mut command = redis::cmd(get);
        command.arg(key).arg(after);
        let found: redis::Value = command.query_async(&mut self.connection).await?;
        match found {
            redis::Value::Nil => Err("no such key".into()),
            redis::Value::Array(items) if items.is_empty() => Err("no such key".into()),
            _ => Ok(()),
        }
    }
}
