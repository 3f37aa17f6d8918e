//! A cluster of three nodes against peers under the same load.
//!
//! Every system is three processes on loopback (Redis, which has no quorum, is one). Each side takes
//! its rounds in turn. The clients of a round are tasks of this process, each with a connection of its
//! own to one of the nodes and one request under way.

pub(crate) mod entities;
mod etcd;
mod figures;
mod growth;
mod idle;
mod kvs;
mod load;
mod peers;
mod process;
mod resp;

use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use crate::Result;
use crate::report::Report;
use figures::Figures;
use load::{Keys, Load, Operation, Target};

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
    /// Only the cluster itself: no growth of costs, no idle nodes.
    #[arg(long)]
    quick: bool,
}

/// How many rounds each side has.
const ROUNDS: u32 = 3;
/// How many clients there are.
const CLIENTS: [usize; 3] = [1, 16, 64];

/// Runs the benchmark.
pub(crate) fn run(settings: &Settings) -> Result {
    if settings.install_peers {
        peers::install()?;
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new("cluster of three", settings.json);
    runtime.block_on(measure(settings, &mut report))?;
    report.print();
    Ok(())
}

async fn measure(settings: &Settings, report: &mut Report) -> Result {
    let interval = kvs::Processes::start(kvs::Durability::Interval).await?;
    if !settings.quick {
        idle::measure(&interval, report).await?;
    }
    let always = kvs::Processes::start(kvs::Durability::Always).await?;
    let library = kvs::Library::start().await?;
    let mut sides: Vec<(&'static str, Box<dyn Target>)> = vec![
        ("kvs", Box::new(interval.clients())),
        ("kvs, always", Box::new(always.clients())),
        ("library", Box::new(library.clients())),
    ];
    let etcd = peers::etcd().await?;
    if let Some(etcd) = &etcd {
        sides.push((figures::ETCD, Box::new(etcd.clients())));
    }
    let redis = peers::redis().await?;
    if let Some(redis) = &redis {
        sides.push(("redis", Box::new(redis.clients())));
    }
    let time = Duration::from_secs(settings.seconds);
    for clients in CLIENTS {
        for operation in [Operation::Put, Operation::Get] {
            let load = Load { operation, keys: Keys::Own, clients, time };
            let what = format!("{} by {clients} clients", operation.name());
            let goal = |side: &str| goal(side, operation, clients);
            compare(report, &what, goal, &sides, load).await?;
        }
    }
    drop(sides);
    drop((always, library, etcd, redis, interval));
    if !settings.quick {
        growth::measure(report).await?;
    }
    Ok(())
}

/// What is to be reached against etcd with 64 clients: puts by durability, and gets.
fn goal(side: &str, operation: Operation, clients: usize) -> Option<f64> {
    match (side, operation, clients) {
        ("kvs", _, 64) => Some(3.0),
        ("kvs, always", Operation::Put, 64) => Some(1.5),
        _ => None,
    }
}

/// The sides of a comparison, by name.
type Sides = [(&'static str, Box<dyn Target>)];

/// Puts all sides under the same load, in turns, and reports what came of it.
async fn compare(
    report: &mut Report,
    what: &str,
    goal: impl Fn(&str) -> Option<f64>,
    sides: &Sides,
    load: Load,
) -> Result {
    let mut figures = vec![Figures::default(); sides.len()];
    for _ in 0..ROUNDS {
        for ((_, side), figures) in sides.iter().zip(&mut figures) {
            figures.join(load::run(&**side, load).await?);
        }
    }
    let names = sides.iter().map(|(name, _)| *name);
    figures::report(report, what, goal, names.zip(figures));
    Ok(())
}
