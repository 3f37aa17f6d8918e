//! The transport itself: starting, calling, ending.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::net::Network;
use kvs_core::env::{Env, spawn};
use kvs_core::limits;
use tokio::time::{Instant, timeout};

use super::client::Failure;
use super::config::Config;
use super::counters::PeerCounters;
use super::endpoint::{Node, accept};
use super::error::{CallError, ConnectError, Reason, StartError};
use super::frame::FRAME_MAX;
use super::handshake::{Channel, Peer};
use super::phase::{Ending, Phase, Phases};
use super::pool::{BackOff, Pool};
use super::server::Server;
use super::service::Service;
use crate::identity::{ClusterId, NodeId};

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who must be there; `None`: whoever is.
    pub id: Option<NodeId>,
    /// Where.
    pub address: SocketAddr,
}

/// Requests and answers between this node and others. Cloning it is cheap, and gives the same one.
///
/// Dropping the last clone closes everything; as long as the service holds one itself, only
/// [`shutdown`](Self::shutdown) does.
#[derive(Clone)]
pub struct Transport {
    node: Arc<Node>,
    pool: Arc<Pool>,
    ending: Arc<Ending>,
    address: SocketAddr,
}

impl Transport {
    /// Listens, and serves the requests of other nodes with `service`.
    pub async fn start(
        config: Config,
        network: Arc<dyn Network>,
        env: Env,
        service: Arc<dyn Service>,
    ) -> Result<Self, StartError> {
        config.check()?;
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = network.listen(config.listen).await.map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        let phases = Phases::default();
        let server = Server {
            service,
            requests_max: config.requests_in_flight_max,
            keep_alive: config.keep_alive,
            phases: phases.clone(),
        };
        let back_off = BackOff { min: config.back_off_min, max: config.back_off_max };
        let advertised = config.advertise.unwrap_or(address);
        let node = Arc::new(Node::new(config, network, advertised));
        spawn(accept(node.clone(), listener, Arc::new(server)));
        let pool = Arc::new(Pool::new(node.clone(), env, back_off));
        Ok(Self { node, pool, ending: Arc::new(Ending(phases)), address })
    }

    /// Asks `to` and waits for the answer, all in all no longer than `deadline`.
    ///
    /// Dropping the future gives the call up: whether it is executed is unknown then.
    pub async fn call(
        &self,
        to: Target,
        channel: Channel,
        method: u16,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let not_sent = |reason| CallError::NotSent { to: to.address, reason };
        limits::at_most("request length in bytes", body.len(), FRAME_MAX)
            .map_err(|error| not_sent(error.into()))?;
        let end = Instant::now() + deadline;
        let client = match self.pool.connection(to.address, channel, deadline, end).await {
            Ok(client) => client,
            Err(reason) => {
                if let (Some(id), Reason::Unreachable { .. }) = (to.id, &reason) {
                    self.node.counters.of(id).failed();
                }
                return Err(not_sent(reason));
            }
        };
        let found = client.peer().node;
        if let Some(expected) = to.id
            && expected != found
        {
            return Err(not_sent(Reason::WrongNode { expected, found }));
        }
        client.call(method, body, deadline, end).await.map_err(|failure| match failure {
            Failure::NotSent(reason) => not_sent(reason),
            Failure::Lost(reason) => CallError::Lost { to: to.address, reason },
            Failure::Fault(fault) => CallError::Fault { to: to.address, fault },
        })
    }

    /// Who is at `address`, connected to if need be.
    pub async fn peer(
        &self,
        address: SocketAddr,
        channel: Channel,
        deadline: Duration,
    ) -> Result<Peer, CallError> {
        let end = Instant::now() + deadline;
        match self.pool.connection(address, channel, deadline, end).await {
            Ok(client) => Ok(client.peer().clone()),
            Err(reason) => Err(CallError::NotSent { to: address, reason }),
        }
    }

    /// Who is at `address` now: on a connection that is made for this, and closed again. Takes no
    /// longer than connecting may, whatever there was at the address before.
    pub async fn look(&self, address: SocketAddr) -> Result<Peer, ConnectError> {
        Ok(self.node.open(address, Channel::Control).await?.0)
    }

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Says from now on, on new connections, that this node is a member of `cluster`.
    pub fn set_cluster(&self, cluster: ClusterId) {
        self.node.set_cluster(cluster);
    }

    /// Traffic with each peer since the start, in the order of their ids.
    pub fn counters(&self) -> Vec<(NodeId, PeerCounters)> {
        self.node.counters.snapshot()
    }

    /// Ends the transport at once, as if its process had been killed: requests that run are cut off.
    pub fn close(&self) {
        let Ending(phases) = &*self.ending;
        phases.advance(Phase::Closed);
        self.pool.close();
    }

    /// Ends the transport. It takes no more connections and requests; requests that run have up to
    /// `deadline` to finish, and may make calls meanwhile; then everything is closed. Returns whether
    /// all of them finished.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        let Ending(phases) = &*self.ending;
        phases.advance(Phase::Draining);
        let finished = timeout(deadline, phases.finished()).await.is_ok();
        phases.advance(Phase::Closed);
        self.pool.close();
        finished
    }
}
