//! How the cost of a put grows: with buckets, keys in a bucket, and nodes.

use std::time::Duration;

use kvs::cluster::Hashing;
use kvs::{ClusterConfig, Key, Kvs};

use super::figures::Figures;
use super::kvs::{Durability, Processes};
use super::load::{self, Keys, Load, Operation};
use super::process::free_address;
use crate::Result;
use crate::measure::now;
use crate::report::Report;

/// Puts that are timed.
const PUTS: u64 = 20_000;

/// Measures one node with more and more buckets and keys, then more and more nodes.
pub(super) async fn measure(report: &mut Report) -> Result {
    let mut first = None;
    for buckets in [1, 1_024, 65_536] {
        let speed = puts(buckets, 0).await?;
        let reference = first.map(|first| ("1 bucket".to_owned(), first));
        report.add(
            &format!("put on one node, {buckets} buckets"),
            "operations/s",
            reference,
            speed,
            None,
        );
        first = first.or(Some(speed));
    }
    let mut first = None;
    for keys in [10, 10_000, 1_000_000] {
        let speed = puts(1, keys).await?;
        let reference = first.map(|first| ("10 keys".to_owned(), first));
        let goal = first.map(|_| 0.8);
        report.add(
            &format!("put into a bucket of {keys} keys"),
            "operations/s",
            reference,
            speed,
            goal,
        );
        first = first.or(Some(speed));
    }
    let mut first: Option<f64> = None;
    for nodes in [3, 5] {
        let (processes, _) = Processes::of(nodes, Durability::Interval).await?;
        let clients = processes.clients();
        let (operation, keys, time) = (Operation::Put, Keys::Own, Duration::from_secs(4));
        let load = Load { operation, keys, clients: 16, time };
        let figures: Figures = load::run(&clients, load).await?;
        let speed = figures.per_second();
        let reference = first.map(|first| ("3 nodes".to_owned(), first));
        report.add(
            &format!("put by 16 clients, {nodes} nodes"),
            "operations/s",
            reference,
            speed,
            None,
        );
        first = first.or(Some(speed));
    }
    Ok(())
}

/// Puts per second, one at a time, on one node with `buckets` buckets that hold `keys` keys.
async fn puts(buckets: u32, keys: u64) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut config = ClusterConfig::new(folder.path(), free_address()?);
    config.node.hashing = Some(Hashing::new(32, buckets)?);
    let kvs = Kvs::cluster(config).await?;
    let records = kvs.records();
    let key = |n: u64| Key::from(format!("key/{n:012}"));
    for n in 0..keys {
        records.put(&key(n), vec![b'.'; 100]).await?;
    }
    let start = now();
    for n in keys..keys + PUTS {
        records.put(&key(n), vec![b'.'; 100]).await?;
    }
    let speed = PUTS as f64 / start.elapsed().as_secs_f64();
    kvs.shutdown().await;
    Ok(speed)
}
