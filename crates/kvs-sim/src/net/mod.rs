//! The network between simulated nodes: `turmoil`'s, with faults that it doesn't have.
//!
//! `turmoil` gives each message a delay of its own, so that datagrams overtake each other, but it
//! neither doubles nor retransmits: a segment of TCP that it drops leaves a hole for ever. So faults
//! are made here, above it. Datagrams are dropped, doubled and held back one by one. What is sent on a
//! stream whose [link](Links) is cut waits, as TCP would send it again, until the link is mended or the
//! stream breaks.

mod datagrams;
mod links;
mod stream;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::env::net::{BoxByteStream, Datagrams, Listener, Network};
use turmoil::net::{TcpListener, TcpStream, UdpSocket};

use crate::draw::Draw;
use datagrams::SimDatagrams;
use stream::Stream;

pub use datagrams::Noise;
pub use links::Links;

/// Where every node listens.
pub const PORT: u16 = 7000;

/// The address of a node.
pub fn address_of(node: usize) -> IpAddr {
    let last = u8::try_from(node + 1).unwrap_or(u8::MAX);
    IpAddr::V4(Ipv4Addr::new(192, 168, 0, last))
}

/// The network as one node has it.
#[derive(Clone, Debug)]
pub struct SimNetwork {
    /// The node's own address.
    pub here: IpAddr,
    /// The links between all nodes.
    pub links: Links,
    /// What becomes of datagrams.
    pub noise: Noise,
    /// What is left to chance.
    pub draw: Draw,
}

#[async_trait]
impl Network for SimNetwork {
    async fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let inner = TcpListener::bind(address).await?;
        Ok(Box::new(SimListener { inner, network: self.clone() }))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<BoxByteStream> {
        let there = address.ip();
        if self.links.is_down(there) {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens there"));
        }
        self.links.both_ways(self.here, there).await;
        let stream = TcpStream::connect(address).await?;
        Ok(Box::new(Stream::new(stream, self.links.clone(), self.here, there)))
    }

    async fn datagrams(&self, address: SocketAddr) -> io::Result<Arc<dyn Datagrams>> {
        let socket = Arc::new(UdpSocket::bind(address).await?);
        Ok(Arc::new(SimDatagrams { socket, network: self.clone() }))
    }

    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let parsed = name.parse::<SocketAddr>();
        parsed
            .map(|address| vec![address])
            .map_err(|error| io::Error::new(io::ErrorKind::NotFound, format!("{name}: {error}")))
    }
}

struct SimListener {
    inner: TcpListener,
    network: SimNetwork,
}

#[async_trait]
impl Listener for SimListener {
    async fn accept(&mut self) -> io::Result<(BoxByteStream, SocketAddr)> {
        let (stream, from) = self.inner.accept().await?;
        let SimNetwork { here, links, .. } = &self.network;
        Ok((Box::new(Stream::new(stream, links.clone(), *here, from.ip())), from))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}
