//! Explores the protocol of the entities' logs, and prints what was found.

#![expect(clippy::print_stdout, reason = "a program for the terminal prints")]

use std::process::ExitCode;

use clap::Parser;
use kvs_model::model::{Report, explore};
use kvs_model::scenario::{RULES, SCENARIOS, setting};

/// The protocol of the entities' logs, explored state by state.
#[derive(Parser)]
struct Cli {
    /// With this rule switched off: a violation is to be found.
    #[arg(long, value_name = "RULE")]
    without: Option<String>,
    /// Only this scenario.
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Stop after this many states.
    #[arg(long, default_value_t = 600_000)]
    states: usize,
    /// Threads that explore.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match &cli.without {
        Some(rule) => without(&cli, rule),
        None => all(&cli),
    }
}

/// Explores every scenario under all rules.
fn all(cli: &Cli) -> ExitCode {
    let mut is_fine = true;
    for scenario in &SCENARIOS {
        if cli.scenario.as_ref().is_some_and(|name| name != scenario.name) {
            continue;
        }
        let report = explore((scenario.setting)(), cli.threads, cli.states);
        let Report { states, is_complete, commits, .. } = report;
        let extent = if is_complete { "all" } else { "the first" };
        println!("{:16} {}: {extent} {states} states", scenario.name, scenario.about);
        show(&report);
        is_fine &= report.violation.is_none() && commits;
    }
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores the rule's scenario without it; fails if nothing is found.
fn without(cli: &Cli, name: &str) -> ExitCode {
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        eprintln!("error: no rule {name}; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    let chosen = cli.scenario.as_deref().unwrap_or(rule.scenario);
    let Some(mut setting) = setting(chosen) else {
        eprintln!("error: no scenario {chosen}");
        return ExitCode::FAILURE;
    };
    (rule.off)(&mut setting.rules);
    let report = explore(setting, cli.threads, cli.states);
    println!("{chosen}, without {name}: {} states", report.states);
    show(&report);
    if report.violation.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(report: &Report) {
    let Some((property, steps)) = &report.violation else {
        println!("                 nothing goes wrong");
        return;
    };
    println!("                 does not hold: {property}");
    for step in steps {
        println!("                   {step}");
    }
}
