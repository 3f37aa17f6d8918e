//! What all clients of a server share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs::Kvs;
use kvs::env::Env;

use super::client::{Client, Seen};
use super::store::Records;
use crate::http::Node;
use crate::serve::{RedisStrings, Secret};

/// Most clients at a time. One more is told so and disconnected.
pub(crate) const CLIENTS_MAX: usize = 10_000;

/// A store behind the Redis protocol.
pub(crate) struct Server {
    /// The records.
    pub(crate) records: Arc<dyn Records>,
    /// Feeds, sorted sets, leaderboards, registers.
    pub(crate) kvs: Kvs,
    /// Where Redis' strings are kept.
    pub(crate) strings: RedisStrings,
    /// The node, which tells about its ring.
    pub(crate) node: Arc<dyn Node>,
    /// What clients have to give first, if anything.
    pub(crate) password: Option<Secret>,
    /// The time, for `TIME` and for ages.
    pub(crate) env: Env,
    /// Forty hex digits that are this process' own.
    pub(crate) run_id: String,
    /// What has happened so far.
    pub(crate) counters: Counters,
    clients_max: usize,
    started: Duration,
    clients: Mutex<BTreeMap<u64, Arc<Seen>>>,
}

/// What has happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections, the refused ones among them.
    pub(crate) connections: AtomicU64,
    /// Connections that were one too many.
    pub(crate) refused: AtomicU64,
    /// Commands, the refused ones among them.
    pub(crate) commands: AtomicU64,
    /// Error replies.
    pub(crate) errors: AtomicU64,
}

impl Server {
    /// A server of the `records` and entities of `node`. Without a password everybody who can connect may do
    /// everything.
    pub(crate) fn new(
        records: Arc<dyn Records>,
        kvs: Kvs,
        strings: RedisStrings,
        node: Arc<dyn Node>,
        password: Option<Secret>,
        env: Env,
    ) -> Self {
        let random = || format!("{:016x}", env.random.next_u64());
        let run_id: String = [random(), random(), random()].concat().chars().take(40).collect();
        Self {
            records,
            kvs,
            strings,
            node,
            password,
            run_id,
            counters: Counters::default(),
            clients_max: CLIENTS_MAX,
            started: env.clock.monotonic(),
            clients: Mutex::default(),
            env,
        }
    }

    /// The same for fewer clients.
    #[cfg(test)]
    pub(crate) fn clients_max(self, clients_max: usize) -> Self {
        Self { clients_max, ..self }
    }

    /// How long it has been up.
    pub(crate) fn uptime(&self) -> Duration {
        self.env.clock.monotonic().saturating_sub(self.started)
    }

    /// Takes in a client; `None` if there are too many.
    pub(crate) fn welcome(
        self: &Arc<Self>,
        from: SocketAddr,
        at: SocketAddr,
    ) -> Option<(Client, Registration)> {
        let id = self.counters.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let seen = Arc::new(Seen::new(id, from, at, self.env.clock.monotonic()));
        let mut clients = self.clients();
        if clients.len() >= self.clients_max {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        clients.insert(id, seen.clone());
        let registration = Registration { server: self.clone(), id };
        Some((Client::new(self.clone(), seen), registration))
    }

    /// The clients, by id.
    pub(crate) fn clients(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Seen>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place in the list, which it leaves when this is dropped.
pub(crate) struct Registration {
    server: Arc<Server>,
    id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.server.clients().remove(&self.id);
    }
}
