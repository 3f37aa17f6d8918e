//! What a transport is told at its start.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::door::Door;
use super::handshake::CLUSTER_NAME_MAX;
use super::secure::Security;
use crate::identity::{ClusterId, Incarnation, NodeId};

/// The protocol version of this release.
pub const PROTOCOL: u16 = 1;

/// The configuration of a [`Transport`](super::Transport).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen; port 0 means any free one.
    pub listen: SocketAddr,
    /// Where others reach this node, if not at `listen`.
    pub advertise: Option<SocketAddr>,
    /// Who this node is.
    pub node: NodeId,
    /// How often it was started.
    pub incarnation: Incarnation,
    /// The cluster's name, at most 128 bytes; the same on all nodes.
    pub cluster_name: String,
    /// The cluster, once this node is a member of one.
    pub cluster: Option<ClusterId>,
    /// The protocol versions this node speaks; the highest that both sides speak is used.
    pub protocols: RangeInclusive<u16>,
    /// What this node can do, a bit each; what both sides can do is in [`Peer`](super::Peer).
    pub features: u64,
    /// How connections are protected; the same on all nodes.
    pub security: Security,
    /// Most inbound connections. At least two for each other node are needed. Default 1024.
    pub connections_max: usize,
    /// Most requests of one connection that are run at a time. Default 256.
    pub requests_in_flight_max: usize,
    /// How long connecting may take. Default 1 s.
    pub connect_timeout: Duration,
    /// How long the handshake on a new connection may take. Default 5 s.
    pub handshake_timeout: Duration,
    /// How long a peer may be silent before its connection is given up; must be about the same on
    /// all nodes, since pings are sent at a quarter of it. At least 4 ms. Default 2 s.
    pub keep_alive: Duration,
    /// The pause after the first failed attempt to connect; it doubles with each further one. A
    /// random half of it is cut off. Default 100 ms.
    pub back_off_min: Duration,
    /// The longest pause between attempts to connect. Default 2 s.
    pub back_off_max: Duration,
    /// Asked who is let in. Default nobody: all are who can work with this node.
    pub door: Option<Arc<dyn Door>>,
}

impl Config {
    /// The defaults, for this node.
    pub fn new(
        node: NodeId,
        incarnation: Incarnation,
        cluster_name: impl Into<String>,
        listen: SocketAddr,
    ) -> Self {
        Self {
            listen,
            advertise: None,
            node,
            incarnation,
            cluster_name: cluster_name.into(),
            cluster: None,
            protocols: PROTOCOL..=PROTOCOL,
            features: 0,
            security: Security::Plain,
            connections_max: 1024,
            requests_in_flight_max: 256,
            connect_timeout: Duration::from_secs(1),
            handshake_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(2),
            back_off_min: Duration::from_millis(100),
            back_off_max: Duration::from_secs(2),
            door: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let error = |what| Err(ConfigError(what));
        if self.cluster_name.len() > CLUSTER_NAME_MAX {
            return error("the cluster name is longer than 128 bytes");
        }
        if self.protocols.is_empty() {
            return error("the range of protocol versions is empty");
        }
        if self.connections_max == 0 || self.requests_in_flight_max == 0 {
            return error("the limits of connections and requests in flight must be at least 1");
        }
        if self.requests_in_flight_max > u16::MAX.into() {
            return error("the limit of requests in flight must be at most 65535");
        }
        if self.keep_alive < Duration::from_millis(4) {
            return error("the keep-alive time must be at least 4 ms");
        }
        Ok(())
    }
}

/// A configuration makes no sense; final.
#[derive(Clone, Copy, Debug, Error)]
#[error("transport: {0}")]
pub struct ConfigError(pub(super) &'static str);
