//! Making connections: outbound ones when they are needed, inbound ones as they come.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::net::{BoxByteStream, Listener, Network};
use kvs_core::env::spawn;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::client::Client;
use super::config::Config;
use super::connection::{Established, FrameReader};
use super::counters::Counters;
use super::error::ConnectError;
use super::handshake::{self, Channel, HandshakeError, Hello, Peer};
use super::phase::Phase;
use super::pool::Dial;
use super::server::{HANDSHAKES_MAX, Server};
use crate::identity::ClusterId;

/// The pause after the network failed to give the next inbound connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections of a node share.
pub(super) struct Node {
    config: Config,
    network: Arc<dyn Network>,
    /// As it is said to others, but for the channel.
    hello: RwLock<Hello>,
    /// Told when this node has become a member.
    joined: Notify,
    pub(super) counters: Counters,
}

impl Node {
    /// A node that says that it is reached at `address`.
    pub(super) fn new(config: Config, network: Arc<dyn Network>, address: SocketAddr) -> Self {
        let hello = Hello {
            protocol_min: *config.protocols.start(),
            protocol_max: *config.protocols.end(),
            features: config.features,
            cluster_name: config.cluster_name.clone(),
            cluster: config.cluster,
            node: config.node,
            incarnation: config.incarnation,
            address,
            channel: Channel::Control,
        };
        let (hello, joined, counters) = (RwLock::new(hello), Notify::new(), Counters::default());
        Self { config, network, hello, joined, counters }
    }

    pub(super) fn set_cluster(&self, cluster: ClusterId) {
        self.hello.write().unwrap_or_else(PoisonError::into_inner).cluster = Some(cluster);
        self.joined.notify_waiters();
    }

    /// Waits until this node turns out to be of another cluster than a peer that connected before it
    /// was of any.
    async fn parted(&self, theirs: Option<ClusterId>) {
        loop {
            let mut joined = std::pin::pin!(self.joined.notified());
            joined.as_mut().enable();
            let ours = self.hello(Channel::Control).cluster;
            if ours.zip(theirs).is_some_and(|(ours, theirs)| ours != theirs) {
                return;
            }
            joined.await;
        }
    }

    fn hello(&self, channel: Channel) -> Hello {
        let hello = self.hello.read().unwrap_or_else(PoisonError::into_inner);
        Hello { channel, ..hello.clone() }
    }

    async fn handshake<T>(
        &self,
        shaking: impl Future<Output = Result<T, HandshakeError>>,
    ) -> Result<T, HandshakeError> {
        let limit = self.config.handshake_timeout;
        let shaken = timeout(limit, shaking).await;
        let shaken = shaken.unwrap_or(Err(HandshakeError::Timeout(limit)));
        if let (Err(HandshakeError::RefusedByPeer(refusal)), Some(door)) =
            (&shaken, &self.config.door)
        {
            door.turned_away(refusal).await;
        }
        shaken
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
        let peer =
            handshake::connecting(&mut reader, &mut writer, &us, self.config.door.as_deref())
                .await?;
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
        let peer =
            handshake::listening(&mut reader, &mut writer, us, self.config.door.as_deref()).await?;
        Ok((peer, Established { reader, writer }))
    }

    pub(super) async fn open(
        &self,
        address: SocketAddr,
        channel: Channel,
    ) -> Result<(Peer, Established), ConnectError> {
        let limit = self.config.connect_timeout;
        let connecting = timeout(limit, self.network.connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => ConnectError::Timeout(limit),
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
pub(super) async fn accept(node: Arc<Node>, mut listener: Box<dyn Listener>, server: Arc<Server>) {
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
            let Peer { channel, protocol, cluster, .. } = peer;
            tracing::info!(%from, peer = %id, ?channel, protocol, "a peer connected");
            let served = tokio::select! {
                biased;
                // It says why when the peer connects again.
                () = node.parted(cluster) => Err("this node is of another cluster".to_owned()),
                served = server.serve(peer, established, traffic.clone()) => served,
            };
            if let Err(error) = served {
                traffic.failed();
                tracing::warn!(%from, peer = %id, %error, "a connection from a peer broke");
            }
            drop(connection);
        });
    }
}
