//! Nodes on loopback.

mod calls;
mod ends;
mod memory;
mod refusals;
mod secured;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::Env;
use kvs_core::env::net::Sockets;
use tokio::time::sleep;

use super::*;
use crate::identity::{Incarnation, NodeId};

/// Longer than anything here may take.
const LONG: Duration = Duration::from_secs(60);

/// Answers with the body it gets.
const ECHO: u16 = 1;
/// Fails.
const FAIL: u16 = 2;
/// Never answers.
const NEVER: u16 = 3;
/// Panics.
const PANIC: u16 = 4;
/// Says who asks, and on what terms.
const WHO: u16 = 5;
/// Answers more than fits.
const HUGE: u16 = 6;
/// Answers after a while.
const SLOW: u16 = 7;

/// What the tests ask.
#[derive(Default)]
struct Desk {
    running: AtomicUsize,
    running_most: AtomicUsize,
    begun: AtomicUsize,
}

struct Running<'a>(&'a Desk);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Service for Desk {
    async fn call(&self, from: &Peer, method: u16, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = Running(self);
        self.running_most.fetch_max(now, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        match method {
            ECHO => Ok(body),
            FAIL => Err(Fault::new(7, "no such thing")),
            NEVER => pending().await,
            PANIC => panic!("as asked"),
            WHO => Ok(format!("{from:?}").into_bytes()),
            HUGE => Ok(vec![0; frame::FRAME_MAX + 1]),
            SLOW => {
                sleep(Duration::from_millis(300)).await;
                Ok(body)
            }
            _ => Err(Fault::new(1, "unknown method")),
        }
    }
}

/// A node on loopback.
struct Node {
    transport: Transport,
    desk: Arc<Desk>,
    id: NodeId,
}

fn config() -> Config {
    let id = NodeId::new(&Env::system());
    let mut config = Config::new(id, Incarnation(1), "test", "127.0.0.1:0".parse().unwrap());
    // A loaded machine must not make a living peer look dead.
    config.keep_alive = Duration::from_secs(20);
    config
}

impl Node {
    async fn start() -> Self {
        Self::with(config()).await
    }

    async fn with(config: Config) -> Self {
        let (desk, id) = (Arc::new(Desk::default()), config.node);
        let started = Transport::start(config, Arc::new(Sockets), Env::system(), desk.clone());
        Self { transport: started.await.unwrap(), desk, id }
    }

    fn target(&self) -> Target {
        Target { id: Some(self.id), address: self.transport.local_address() }
    }

    async fn ask(&self, to: &Node, method: u16, body: &[u8]) -> Result<Vec<u8>, CallError> {
        self.transport.call(to.target(), Channel::Control, method, body.to_vec(), LONG).await
    }
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
