//! Clients that put or get for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::figures::Figures;
use crate::Result;
use crate::measure::now;

/// What a client does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Put,
    Get,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
        }
    }
}

/// Something that clients can be of.
#[async_trait]
pub(super) trait Target: Send + Sync {
    /// The `n`-th client, with a connection of its own.
    async fn client(&self, n: usize) -> Result<Box<dyn Client>>;
}

/// A client, with one request at a time.
#[async_trait]
pub(super) trait Client: Send {
    async fn put(&mut self, key: &[u8], value: &[u8]) -> Result;
    /// Fails if there is no value.
    async fn get(&mut self, key: &[u8]) -> Result;
}

/// Which keys a load is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Each put has a key of its own; gets ask for keys that were put before.
    Own,
    /// Puts and gets are spread evenly over this many keys.
    Among(u64),
}

/// What clients do.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) operation: Operation,
    pub(super) keys: Keys,
    pub(super) clients: usize,
    pub(super) time: Duration,
}

/// Keys that gets ask for; they were put before.
const KEYS: u64 = 10_000;

/// Counts puts over all rounds, so that each has a key of its own.
static PUTS: AtomicU64 = AtomicU64::new(KEYS);

impl Keys {
    /// The key of the `n`-th put.
    fn put(self, n: u64) -> Vec<u8> {
        match self {
            Self::Own => key(n),
            Self::Among(keys) => key(n % keys),
        }
    }

    /// How many keys there are to get.
    fn filled(self) -> u64 {
        match self {
            Self::Own => KEYS,
            Self::Among(keys) => keys,
        }
    }
}

fn key(n: u64) -> Vec<u8> {
    format!("key/{n:012}").into_bytes()
}

/// Lets clients of `target` work.
pub(super) async fn run(target: &dyn Target, load: Load) -> Result<Figures> {
    if load.operation == Operation::Get {
        fill(target, load.keys).await?;
    }
    let Load { clients, time, .. } = load;
    let mut tasks = Vec::new();
    let begun = Arc::new(tokio::sync::Barrier::new(clients));
    for n in 0..clients {
        let (client, begun) = (target.client(n).await?, begun.clone());
        tasks.push(kvs::env::spawn(async move {
            begun.wait().await;
            work(client, load, n as u64, now() + time).await.map_err(|error| error.to_string())
        }));
    }
    let start = now();
    let mut figures = Figures::default();
    for task in tasks {
        figures.latencies.extend(task.await??);
    }
    figures.took = start.elapsed();
    Ok(figures)
}

async fn work(
    mut client: Box<dyn Client>,
    Load { operation, keys, .. }: Load,
    mut seed: u64,
    until: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let value = [b'.'; 100];
    loop {
        let start = now();
        if start >= until {
            return Ok(latencies);
        }
        match operation {
            Operation::Put => {
                let n = PUTS.fetch_add(1, Ordering::Relaxed);
                client.put(&keys.put(n), &value).await?;
            }
            Operation::Get => {
                // A linear congruential generator (Knuth's constants); any spread will do.
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                client.get(&key((seed >> 33) % keys.filled())).await?;
            }
        }
        latencies.push(start.elapsed());
    }
}

/// Puts what gets ask for, unless it is there.
async fn fill(target: &dyn Target, keys: Keys) -> Result {
    let last = keys.filled() - 1;
    let mut client = target.client(0).await?;
    if client.get(&key(last)).await.is_ok() {
        return Ok(());
    }
    let mut tasks = Vec::new();
    for n in 0..16 {
        let mut client = target.client(n).await?;
        tasks.push(kvs::env::spawn(async move {
            for i in (n as u64..last).step_by(16) {
                client.put(&key(i), &[b'.'; 100]).await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    client.put(&key(last), &[b'.'; 100]).await
}
