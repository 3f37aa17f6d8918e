//! Datagrams that are lost, doubled and held back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env;
use kvs_core::env::net::Datagrams;
use tokio::time::sleep;
use turmoil::net::UdpSocket;

use super::SimNetwork;

/// Longest that a datagram is held back beyond its link's own delay.
const HELD_MS_MAX: u64 = 400;

/// How many of a hundred datagrams are lost; half as many are doubled, and as many held back. Clones
/// are handles of the same.
#[derive(Clone, Debug, Default)]
pub struct Noise(Arc<AtomicU64>);

impl Noise {
    /// Sets how many of a hundred are lost.
    pub fn set(&self, percent: u64) {
        self.0.store(percent, Ordering::SeqCst);
    }

    fn percent(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(super) struct SimDatagrams {
    pub(super) socket: Arc<UdpSocket>,
    pub(super) network: SimNetwork,
}

#[async_trait]
impl Datagrams for SimDatagrams {
    async fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        let SimNetwork { here, links, noise, draw } = &self.network;
        let percent = noise.percent();
        if links.is_cut(*here, to.ip()) || draw.chance(percent) {
            return Ok(());
        }
        if draw.chance(percent / 2) {
            self.socket.send_to(bytes, to).await?;
        }
        if draw.chance(percent) {
            let (socket, bytes) = (self.socket.clone(), bytes.to_vec());
            let held = Duration::from_millis(draw.between(1, HELD_MS_MAX));
            env::spawn(async move {
                sleep(held).await;
                let _ = socket.send_to(&bytes, to).await;
            });
            return Ok(());
        }
        self.socket.send_to(bytes, to).await.map(drop)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            let received = self.socket.recv_from(buffer).await?;
            if !self.network.links.is_cut(received.1.ip(), self.network.here) {
                return Ok(received);
            }
        }
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}
