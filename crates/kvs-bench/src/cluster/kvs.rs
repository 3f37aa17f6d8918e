//! Three nodes of `kvs`: as servers, and with one of them in this process.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use kvs::{ClusterConfig, Dba, Key, Kvs};
use tempfile::TempDir;

use super::load::{Client, Target};
use super::process::{self, Server, free_address};
use super::resp::Resp;
use crate::Result;

/// How durable acknowledged puts are.
#[derive(Clone, Copy)]
pub(super) enum Durability {
    Interval,
    Always,
}

/// A cluster of three servers.
pub(super) struct Processes {
    servers: Vec<Server>,
    resp: Vec<SocketAddr>,
    _folders: Vec<TempDir>,
}

impl Processes {
    pub(super) async fn start(durability: Durability) -> Result<Self> {
        Self::of(3, durability).await.map(|(processes, _)| processes)
    }

    /// The same, with leases of `read_lease`: owners of entities read without asking others.
    pub(super) async fn leased(durability: Durability, read_lease: &str) -> Result<Self> {
        Self::with(3, durability, read_lease).await.map(|(processes, _)| processes)
    }

    /// Starts `nodes` servers; gives the address to join at, too.
    pub(super) async fn of(nodes: usize, durability: Durability) -> Result<(Self, String)> {
        Self::with(nodes, durability, "0").await
    }

    async fn with(
        nodes: usize,
        durability: Durability,
        read_lease: &str,
    ) -> Result<(Self, String)> {
        let durability = match durability {
            Durability::Interval => "interval",
            Durability::Always => "always",
        };
        let mut processes = Self { servers: vec![], resp: vec![], _folders: vec![] };
        let mut join = String::new();
        for _ in 0..nodes {
            let folder = tempfile::tempdir()?;
            let (rpc, resp, http) = (free_address()?, free_address()?, free_address()?);
            let mut command = Command::new(process::kvs()?);
            command.arg("serve").arg("--data-dir").arg(folder.path());
            command.args(["--durability", durability, "--node-name", &rpc.to_string()]);
            command.args(["--rpc-addr", &rpc.to_string(), "--resp-addr", &resp.to_string()]);
            command.env("TOKIO_WORKER_THREADS", process::threads());
            command.args(["--http-addr", &http.to_string(), "--read-lease", read_lease]);
            if join.is_empty() {
                command.args(["--quorum", "3,2,2"]);
                join = rpc.to_string();
            } else {
                command.args(["--join", &join]);
            }
            processes.servers.push(Server::start(&mut command, resp).await?);
            processes.resp.push(resp);
            processes._folders.push(folder);
        }
        Ok((processes, join))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.servers.iter().map(Server::id)
    }

    pub(super) fn clients(&self) -> Resp {
        Resp::ring(self.resp.clone())
    }

    /// Clients of feeds.
    pub(super) fn feeds(&self) -> Resp {
        Resp::feeds(self.resp.clone())
    }

    /// Kills the `n`-th server, as by `kill -9`; gives the addresses of the others.
    pub(super) fn kill(&mut self, n: usize) -> Vec<SocketAddr> {
        drop(self.servers.remove(n));
        self.resp.remove(n);
        self.resp.clone()
    }
}

/// A cluster of two servers and this process.
pub(super) struct Library {
    kvs: Kvs,
    _others: Processes,
    _folder: TempDir,
}

impl Library {
    pub(super) async fn start() -> Result<Self> {
        let (others, join) = Processes::of(2, Durability::Interval).await?;
        let folder = tempfile::tempdir()?;
        let mut config = ClusterConfig::new(folder.path(), free_address()?);
        config.node.join = vec![join];
        Ok(Self { kvs: Kvs::cluster(config).await?, _others: others, _folder: folder })
    }

    pub(super) fn clients(&self) -> Records {
        Records(self.kvs.records())
    }
}

/// Clients of records in this process.
pub(super) struct Records(pub(super) Arc<dyn Dba>);

#[async_trait]
impl Target for Records {
    async fn client(&self, _: usize) -> Result<Box<dyn Client>> {
        Ok(Box::new(RecordsClient(self.0.clone())))
    }
}

struct RecordsClient(Arc<dyn Dba>);

#[async_trait]
impl Client for RecordsClient {
    async fn put(&mut self, key: &[u8], value: &[u8]) -> Result {
        Ok(self.0.put(&Key::from(key), value.to_vec()).await?)
    }

    async fn get(&mut self, key: &[u8]) -> Result {
        match self.0.get(&Key::from(key)).await? {
            Some(_) => Ok(()),
            None => Err("no such key".into()),
        }
    }
}
