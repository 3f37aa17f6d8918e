//! The transport itself: listening, connecting, calling, ending.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::net::{BoxByteStream, Listener, Network};
use kvs_core::env::{Env, spawn};
use kvs_core::limits;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::client::{Client, Failure};
use super::config::Config;
use super::connection::{Established, FrameReader};
use super::counters::{Counters, PeerCounters};
use super::error::{CallError, ConnectError, Reason, StartError};
use super::frame::FRAME_MAX;
use super::handshake::{self, Channel, HandshakeError, Hello, Peer};
use super::phase::{Ending, Phase, Phases};
use super::pool::{BackOff, Dial, Pool};
use super::server::{HANDSHAKES_MAX, Server};
use super::service::Service;
use crate::identity::{ClusterId, NodeId};

/// The pause after the network failed to give the next inbound connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// What all connections of a node share.
struct Node {
    config: Config,
    network: Arc<dyn Network>,
    /// As it is said to others, but for the channel.
    hello: RwLock<Hello>,
    counters: Counters,
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
        let hello = Hello {
            protocol_min: *config.protocols.start(),
            protocol_max: *config.protocols.end(),
            features: config.features,
            cluster_name: config.cluster_name.clone(),
            cluster: config.cluster,
            node: config.node,
            incarnation: config.incarnation,
            address: config.advertise.unwrap_or(address),
            channel: Channel::Control,
        };
        let phases = Phases::default();
        let server = Server {
            service,
            requests_max: config.requests_in_flight_max,
            keep_alive: config.keep_alive,
            phases: phases.clone(),
        };
        let back_off = BackOff { min: config.back_off_min, max: config.back_off_max };
        let counters = Counters::default();
        let node = Arc::new(Node { config, network, hello: RwLock::new(hello), counters });
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

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Says from now on, on new connections, that this node is a member of `cluster`.
    pub fn set_cluster(&self, cluster: ClusterId) {
        self.node.hello.write().unwrap_or_else(PoisonError::into_inner).cluster = Some(cluster);
    }

    /// Traffic with each peer since the start, in the order of their ids.
    pub fn counters(&self) -> Vec<(NodeId, PeerCounters)> {
        self.node.counters.snapshot()
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

impl Node {
    fn hello(&self, channel: Channel) -> Hello {
        let hello = self.hello.read().unwrap_or_else(PoisonError::into_inner);
        Hello { channel, ..hello.clone() }
    }

    async fn handshake<T>(
        &self,
        shaking: impl Future<Output = Result<T, HandshakeError>>,
    ) -> Result<T, HandshakeError> {
        let limit = self.config.handshake_timeout;
        timeout(limit, shaking).await.unwrap_or(Err(HandshakeError::Timeout(limit)))
    }

    async fn connecting(
        &self,
        stream: BoxByteStream,
        channel: Channel,
    ) -> Result<(Peer, Established), HandshakeError> {
        let stream = self.config.security.connecting(stream).await?;
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = FrameReader::new(reader);
        let us = self.hello(channel);
        let peer = handshake::connecting(&mut reader, &mut writer, &us).await?;
        Ok((peer, Established { reader, writer }))
    }

    async fn listening(
        &self,
        stream: BoxByteStream,
    ) -> Result<(Peer, Established), HandshakeError> {
        let stream = self.config.security.listening(stream).await?;
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = FrameReader::new(reader);
        let us = self.hello(Channel::Control);
        let peer = handshake::listening(&mut reader, &mut writer, us).await?;
        Ok((peer, Established { reader, writer }))
    }

    async fn open(
        &self,
        address: SocketAddr,
        channel: Channel,
    ) -> Result<(Peer, Established), ConnectError> {
        let limit = self.config.connect_timeout;
        let connecting = timeout(limit, self.network.connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => ConnectError::Timeout(limit),
            _ => error.into(),
        })?;
        Ok(self.handshake(self.connecting(stream, channel)).await?)
    }
}

#[async_trait]
impl Dial for Node {
    async fn dial(&self, address: SocketAddr, channel: Channel) -> Result<Client, ConnectError> {
        let (peer, mut connection) = match self.open(address, channel).await {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(%address, ?channel, %error, "no connection to the peer");
                return Err(error);
            }
        };
        tracing::info!(%address, peer = %peer.node, ?channel, protocol = peer.protocol, "connected");
        let traffic = self.counters.of(peer.node);
        connection.reader.established(traffic.clone());
        Ok(Client::start(peer, connection, self.config.keep_alive, traffic))
    }
}

/// Takes inbound connections until the transport drains. Beyond the limits they are closed at once:
/// those who hold one already are not disturbed.
async fn accept(node: Arc<Node>, mut listener: Box<dyn Listener>, server: Arc<Server>) {
    let connections = Arc::new(Semaphore::new(node.config.connections_max));
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let _task = server.phases.task();
    loop {
        let accepted = tokio::select! {
            biased;
            () = server.phases.reached(Phase::Draining) => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an inbound connection failed");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let permits =
            (connections.clone().try_acquire_owned(), handshakes.clone().try_acquire_owned());
        let (Ok(connection), Ok(shaking)) = permits else {
            tracing::warn!(%from, "an inbound connection was closed: too many");
            continue;
        };
        let (node, server) = (node.clone(), server.clone());
        spawn(async move {
            let _task = server.phases.task();
            let shaken = tokio::select! {
                biased;
                () = server.phases.reached(Phase::Draining) => return,
                shaken = node.handshake(node.listening(stream)) => shaken,
            };
            drop(shaking);
            let (peer, mut established) = match shaken {
                Ok(shaken) => shaken,
                Err(error) => {
                    tracing::warn!(%from, %error, "an inbound connection was closed");
                    return;
                }
            };
            let traffic = node.counters.of(peer.node);
            established.reader.established(traffic.clone());
            let id = peer.node;
            let Peer { channel, protocol, .. } = peer;
            tracing::info!(%from, peer = %id, ?channel, protocol, "a peer connected");
            if let Err(error) = server.serve(peer, established, traffic.clone()).await {
                traffic.failed();
                tracing::warn!(%from, peer = %id, %error, "a connection from a peer broke");
            }
            drop(connection);
        });
    }
}
