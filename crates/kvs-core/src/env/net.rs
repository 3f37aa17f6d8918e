//! The network.
//!
//! [`Network`] is what a node needs of it: streams and datagrams between socket addresses.
//! [`Sockets`] is the operating system's; a simulation brings its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UdpSocket, lookup_host};

/// A two-way stream of bytes.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> ByteStream for S {}

/// Any stream of bytes.
pub type BoxByteStream = Box<dyn ByteStream>;

/// Streams and datagrams.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// Waits for streams at `address`; port 0 means any free one.
    async fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;

    /// Opens a stream to `address`, with small writes sent at once. May take as long as the network
    /// likes.
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxByteStream>;

    /// Sends and receives datagrams at `address`; port 0 means any free one.
    async fn datagrams(&self, address: SocketAddr) -> io::Result<Arc<dyn Datagrams>>;

    /// The addresses that `host:port` stands for; never an empty list.
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// Accepts streams.
#[async_trait]
pub trait Listener: Send + 'static {
    /// The next stream, and where it comes from. Small writes to it are sent at once.
    async fn accept(&mut self) -> io::Result<(BoxByteStream, SocketAddr)>;

    /// Where it listens.
    fn address(&self) -> io::Result<SocketAddr>;
}

/// Sends and receives datagrams, which may be lost, doubled and overtaken.
#[async_trait]
pub trait Datagrams: Send + Sync + 'static {
    /// Sends one datagram.
    async fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Receives one datagram into `buffer`: its length, and where it comes from. A longer one is cut.
    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Where it receives.
    fn address(&self) -> io::Result<SocketAddr>;
}

/// The operating system's network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sockets;

#[async_trait]
impl Network for Sockets {
    async fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(TcpListener::bind(address).await?))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<BoxByteStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn datagrams(&self, address: SocketAddr) -> io::Result<Arc<dyn Datagrams>> {
        Ok(Arc::new(UdpSocket::bind(address).await?))
    }

    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let addresses: Vec<_> = lookup_host(name).await?.collect();
        if addresses.is_empty() {
            let problem = format!("{name} stands for no address");
            return Err(io::Error::new(io::ErrorKind::NotFound, problem));
        }
        Ok(addresses)
    }
}

#[async_trait]
impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<(BoxByteStream, SocketAddr)> {
        let (stream, from) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), from))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

#[async_trait]
impl Datagrams for UdpSocket {
    async fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.send_to(bytes, to).await.map(drop)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.recv_from(buffer).await
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}
