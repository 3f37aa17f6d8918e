//! What a cluster costs that does nothing.

use std::fs;
use std::time::Duration;

use super::kvs::Processes;
use crate::Result;
use crate::measure::now;
use crate::report::Report;

/// How long the nodes settle, and how long they are watched.
const SETTLE: Duration = Duration::from_secs(3);
const WATCH: Duration = Duration::from_secs(10);
/// What is to be stayed under: percent of a core for all three, and MiB a node.
const CPU_GOAL: f64 = 2.0;
const MEMORY_GOAL: f64 = 100.0;

/// Watches three idle nodes.
pub(super) async fn measure(processes: &Processes, report: &mut Report) -> Result {
    tokio::time::sleep(SETTLE).await;
    let ticks = |()| processes.ids().map(cpu_ticks).sum::<Result<u64>>();
    let (start, before) = (now(), ticks(())?);
    tokio::time::sleep(WATCH).await;
    let seconds = (ticks(())? - before) as f64 / TICKS_PER_SECOND;
    let percent = 100.0 * seconds / start.elapsed().as_secs_f64();
    report.add("idle, all three", "% of a core", None, percent, Some(CPU_GOAL));
    let memory = processes.ids().map(resident_kib).collect::<Result<Vec<_>>>()?;
    let most = memory.into_iter().max().unwrap_or_default() as f64 / 1024.0;
    report.add("idle, the largest", "MiB", None, most, Some(MEMORY_GOAL));
    Ok(())
}

/// Linux counts in hundredths of a second, whatever its own tick.
const TICKS_PER_SECOND: f64 = 100.0;

fn cpu_ticks(process: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no fields in stat")?;
    // The first of them is field 3; user and system time are fields 14 and 15.
    let times = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Ok(times.sum::<std::result::Result<u64, _>>()?)
}

fn resident_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?.parse()?)
}
