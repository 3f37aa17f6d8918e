//! Feeds on a cluster of three, against puts into etcd and streams of Redis.
//!
//! etcd orders all of its puts in one log and syncs each; a feed orders its own entries. Redis streams
//! stand for what one server without a quorum does.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use super::load::{Keys, Load, Operation, Target};
use super::resp::Resp;
use super::{CLIENTS, compare, figures, kvs, peers};
use crate::Result;
use crate::measure::now;
use crate::report::Report;

/// What to measure.
#[derive(Args)]
pub(crate) struct Settings {
    /// One JSON value a line instead of tables.
    #[arg(long)]
    json: bool,
    /// Installs etcd and Redis from Debian's packages if they are missing.
    #[arg(long)]
    install_peers: bool,
    /// How long each round takes; there are three of each.
    #[arg(long, default_value = "2", value_name = "SECONDS")]
    seconds: u64,
}

/// How long owners may read without asking others, where they may.
const READ_LEASE: &str = "2s";
/// Over how many feeds adds are spread.
const FEEDS: u64 = 1_000;
/// Feeds whose owner is killed, some of them.
const FEEDS_TO_FAIL_OVER: usize = 64;
/// How long a feed may go without an owner before the benchmark gives up.
const FAIL_OVER_MAX: Duration = Duration::from_secs(60);

/// Runs the benchmark.
pub(crate) fn run(settings: &Settings) -> Result {
    if settings.install_peers {
        peers::install()?;
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new("entities on three nodes", settings.json);
    runtime.block_on(measure(settings, &mut report))?;
    report.print();
    Ok(())
}

async fn measure(settings: &Settings, report: &mut Report) -> Result {
    let interval = kvs::Processes::start(kvs::Durability::Interval).await?;
    let always = kvs::Processes::start(kvs::Durability::Always).await?;
    let leased = kvs::Processes::leased(kvs::Durability::Interval, READ_LEASE).await?;
    let mut sides: Vec<(&'static str, Box<dyn Target>)> = vec![
        ("kvs", Box::new(interval.feeds())),
        ("kvs, always", Box::new(always.feeds())),
        ("kvs, leased", Box::new(leased.feeds())),
    ];
    let etcd = peers::etcd().await?;
    if let Some(etcd) = &etcd {
        sides.push((figures::ETCD, Box::new(etcd.clients())));
    }
    let redis = peers::redis().await?;
    if let Some(redis) = &redis {
        sides.push(("redis stream", Box::new(redis.streams())));
    }
    let time = Duration::from_secs(settings.seconds);
    for (keys, where_to) in [(Keys::Among(1), "one feed"), (Keys::Among(FEEDS), "1000 feeds")] {
        for clients in CLIENTS {
            for (operation, verb) in [(Operation::Put, "add to"), (Operation::Get, "head of")] {
                let load = Load { operation, keys, clients, time };
                let what = format!("{verb} {where_to} by {clients} clients");
                compare(report, &what, |side| goal(side, load), &sides, load).await?;
            }
        }
    }
    drop(sides);
    drop((always, leased, etcd, redis));
    fail_over(interval, report).await
}

/// What is to be reached against etcd's puts with 64 clients.
fn goal(side: &str, load: Load) -> Option<f64> {
    match (side, load.operation, load.keys, load.clients) {
        ("kvs", Operation::Put, Keys::Among(1), 64) => Some(2.0),
        ("kvs", Operation::Put, Keys::Among(FEEDS), 64) => Some(2.5),
        ("kvs, always", Operation::Put, Keys::Among(1), 64) => Some(1.0),
        _ => None,
    }
}

/// Kills one of the nodes, and measures how long each feed takes no entry.
async fn fail_over(mut processes: kvs::Processes, report: &mut Report) -> Result {
    let feeds = processes.feeds();
    let mut client = feeds.client(0).await?;
    for n in 0..FEEDS_TO_FAIL_OVER {
        client.put(&feed(n), b"before").await?;
    }
    let others = processes.kill(0);
    let start = now();
    let mut tasks = Vec::new();
    for n in 0..FEEDS_TO_FAIL_OVER {
        let others = others.clone();
        tasks.push(first_add(others, n, start));
    }
    let mut longest = Duration::ZERO;
    for task in futures_util::future::join_all(tasks).await {
        longest = longest.max(task?);
    }
    let what = format!("fail-over of {FEEDS_TO_FAIL_OVER} feeds, the slowest");
    report.add(&what, "ms", None, longest.as_secs_f64() * 1e3, None);
    Ok(())
}

fn feed(n: usize) -> Vec<u8> {
    format!("fail-over/{n}").into_bytes()
}

/// How long after `start` the `n`-th feed takes an entry.
async fn first_add(
    others: Vec<SocketAddr>,
    n: usize,
    start: std::time::Instant,
) -> Result<Duration> {
    let mut client = Resp::feeds(others).client(n).await?;
    loop {
        match client.put(&feed(n), b"after").await {
            Ok(()) => return Ok(start.elapsed()),
            Err(error) if start.elapsed() > FAIL_OVER_MAX => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
