//! `kvs-sim`: runs simulations, and says which seeds fail.

#![expect(clippy::print_stdout, reason = "a program for the terminal prints")]

use std::ops::RangeInclusive;
use std::process::ExitCode;

use clap::Parser;
use kvs_core::env::{Clock, SystemClock};
use kvs_sim::scenario::NODES;
use kvs_sim::{Run, Scenario, run};

/// Runs whole clusters in one thread, each from one seed, and checks what clients saw.
#[derive(Parser)]
#[command(name = "kvs-sim")]
struct Cli {
    /// The seeds to run: `1..200` is 1 to 200.
    #[arg(long, value_parser = seeds, default_value = "1..20")]
    seeds: RangeInclusive<u64>,
    /// One seed to run.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// How many nodes each cluster has, instead of a number drawn from the seed.
    #[arg(long, value_parser = clap::value_parser!(u8).range(3..=7))]
    nodes: Option<u8>,
    /// Print every operation, and what the nodes log (`RUST_LOG` chooses).
    #[arg(long)]
    verbose: bool,
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || format!("{text:?} is no range of seeds such as 1..200");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(wrong()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.verbose {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| "info,turmoil=warn".into());
        tracing_subscriber::fmt().with_env_filter(filter).without_time().init();
    }
    let clock = SystemClock::default();
    let seeds = cli.seed.map_or(cli.seeds, |seed| seed..=seed);
    let mut failed = Vec::new();
    for seed in seeds {
        let start = clock.monotonic();
        let done = run(Scenario::new(seed, cli.nodes.map(usize::from)));
        let took = clock.monotonic().saturating_sub(start);
        print_summary(&done, took.as_millis());
        if cli.verbose {
            done.world.history.operations().iter().for_each(|it| println!("  {it}"));
            done.world.calls.all().iter().for_each(|it| println!("  {it}"));
        }
        if !done.violations.is_empty() {
            print_violations(&done, cli.nodes);
            failed.push(seed);
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {failed:?}");
    ExitCode::FAILURE
}

fn print_summary(run: &Run, wall_ms: u128) {
    let Scenario { seed, nodes, quorum, durable, faults, .. } = &run.scenario;
    let (counts, calls) = (run.counts, run.calls);
    println!(
        "seed {seed}: {nodes} nodes, quorum {quorum}, {}, {} faults; {} operations: {} done, {} not \
         applied, {} unknown; {} calls of entities: {} done, {} not applied, {} unknown; {} s simulated in {wall_ms} ms; hash {:016x}",
        if *durable { "always synced" } else { "synced each second" },
        faults.len(),
        counts.operations,
        counts.done,
        counts.not_applied,
        counts.unknown,
        calls.operations,
        calls.done,
        calls.not_applied,
        calls.unknown,
        run.world.time.ms() / 1000,
        run.hash,
    );
}

fn print_violations(run: &Run, nodes: Option<u8>) {
    let seed = run.scenario.seed;
    println!("seed {seed} FAILED: {} violations", run.violations.len());
    for violation in run.violations.iter().take(SHOWN) {
        println!("  {violation}");
    }
    if let Some(key) = run.violations.first().and_then(|violation| violation.key.as_ref()) {
        println!("  all that happened to {key}:");
        for operation in run.world.history.operations() {
            if operation.is_about(key) {
                println!("  {operation}");
            }
        }
        for call in run.world.calls.all() {
            if call.entity.as_bytes() == key.partition() {
                println!("  {call}");
            }
        }
    }
    let nodes = nodes.map_or(String::new(), |nodes| format!(" --nodes {nodes}"));
    println!("  to replay: cargo xtask sim --seed {seed}{nodes} --verbose");
}

/// How many violations of a run are printed.
const SHOWN: usize = 10;

const _: () = assert!(*NODES.start() == 3 && *NODES.end() == 7, "the range of --nodes");
