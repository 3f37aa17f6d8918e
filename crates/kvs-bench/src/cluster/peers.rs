//! Other systems, where they are installed.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::etcd::Etcd;
use super::process::{self, Server, free_address};
use super::resp::Resp;
use crate::Result;

/// Installs the peers from Debian's packages.
pub(super) fn install() -> Result {
    let status = Command::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends", "etcd-server", "redis-server"])
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("apt-get ended with {status}").into()) }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A peer that runs.
pub(super) struct Peer {
    _servers: Vec<Server>,
    _folder: TempDir,
    addresses: Vec<SocketAddr>,
}

/// Three nodes of etcd, which syncs each put.
pub(super) struct EtcdCluster(Peer);

/// One server of Redis that syncs once a second.
pub(super) struct RedisServer(Peer);

impl EtcdCluster {
    pub(super) fn clients(&self) -> Etcd {
        Etcd(self.0.addresses.clone())
    }
}

impl RedisServer {
    pub(super) fn clients(&self) -> Resp {
        Resp::redis(self.0.addresses.clone())
    }

    /// Clients of streams.
    pub(super) fn streams(&self) -> Resp {
        Resp::streams(self.0.addresses.clone())
    }
}

/// Starts etcd, if it is installed.
pub(super) async fn etcd() -> Result<Option<EtcdCluster>> {
    if !is_installed("etcd") {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let mut nodes = Vec::new();
    for n in 0..3 {
        nodes.push((format!("n{n}"), free_address()?, free_address()?));
    }
    let all: Vec<_> = nodes.iter().map(|(name, _, peer)| format!("{name}=http://{peer}")).collect();
    let mut children = Vec::new();
    for (name, client, peer) in &nodes {
        let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = Command::new("etcd");
        command.arg("--name").arg(name).arg("--data-dir").arg(folder.path().join(name));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &all.join(","), "--initial-cluster-state", "new"]);
        command.env("GOMAXPROCS", process::threads());
        children.push(command);
    }
    // A node listens to clients once there is a majority: all have to be on their way.
    let starts = children.iter_mut().zip(&nodes);
    let starts = starts.map(|(command, (_, client, _))| Server::start(command, *client));
    let servers = futures_util::future::try_join_all(starts).await?;
    let addresses = nodes.iter().map(|(_, client, _)| *client).collect();
    Ok(Some(EtcdCluster(Peer { _servers: servers, _folder: folder, addresses })))
}

/// Starts Redis, if it is installed.
pub(super) async fn redis() -> Result<Option<RedisServer>> {
    if !is_installed("redis-server") {
        return Ok(None);
    }
    let (folder, address) = (tempfile::tempdir()?, free_address()?);
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]);
    command.arg("--dir").arg(folder.path());
    let server = Server::start(&mut command, address).await?;
    let (_servers, addresses) = (vec![server], vec![address]);
    Ok(Some(RedisServer(Peer { _servers, _folder: folder, addresses })))
}
