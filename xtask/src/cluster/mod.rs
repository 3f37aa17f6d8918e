//! `cargo xtask cluster`: a cluster on this machine, to play with and to break.
//!
//! Each node is a real process, `kvs serve`, that listens on loopback. Everything it keeps is in one
//! folder, `target/cluster` unless `--dir` says otherwise:
//!
//! | path | what |
//! |---|---|
//! | `cluster.json` | what `up` was asked for, so that it can be started again |
//! | `n1` … | the data of each node |
//! | `n1.log` … | what it says; each start adds to it |
//! | `n1.pid` … | its process, while it runs |
//!
//! Node *i*, counted from 0, listens on three ports from `--base-port` P on: P + 3*i* for other nodes,
//! P + 3*i* + 1 for the Redis protocol, P + 3*i* + 2 for HTTP. With P = 4343 the first node talks to
//! others on the port that `kvs serve` uses by default, but its other two ports differ from the
//! defaults (6380, 8343), to keep the ports of a cluster together.
//!
//! - [`options`]: what can be asked for. [`plan`]: what a cluster consists of, on disk.
//! - [`process`]: nodes as processes. [`ready`]: waiting for their answers. [`show`]: telling people.

mod options;
mod plan;
mod process;
mod ready;
mod show;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cargo::{Metadata, cargo};
use crate::rocksdb;
use crate::sh::{self, Error, Result};

pub(crate) use options::Cluster;
use options::{Backend, UpOptions};
use plan::{Node, Plan};

/// How long nodes may take to end by themselves.
const END_MAX: Duration = Duration::from_secs(10);

/// Does what was asked for.
pub(crate) fn run(cluster: Cluster) -> Result {
    let metadata = Metadata::load()?;
    let dir = cluster.dir(&metadata)?;
    match cluster {
        Cluster::Up(options) => up(&metadata, &dir, &options),
        Cluster::Down { wipe, .. } => down(&Plan::load(&dir)?, wipe),
        Cluster::Status { .. } => {
            show::status(&Plan::load(&dir)?);
            Ok(())
        }
        Cluster::Kill { node, .. } => signal(&Plan::load(&dir)?, node, "KILL"),
        Cluster::Stop { node, .. } => signal(&Plan::load(&dir)?, node, "STOP"),
        Cluster::Cont { node, .. } => signal(&Plan::load(&dir)?, node, "CONT"),
        Cluster::Start { node, .. } => start(&metadata, &Plan::load(&dir)?, node),
    }
}

/// Builds `kvs`, starts all nodes, and waits until all serve. If one doesn't, all are ended.
fn up(metadata: &Metadata, dir: &Path, options: &UpOptions) -> Result {
    let running = |plan: Plan| plan.nodes().find(|node| process::running(node).is_some());
    if let Some(node) = Plan::load(dir).ok().and_then(running) {
        return Err(Error::Message(format!(
            "a cluster is running in {} ({}); `cargo xtask cluster down` ends it, `status` shows it",
            dir.display(),
            node.name
        )));
    }
    let plan = Plan::for_up(dir, options)?;
    plan.nodes().try_for_each(|node| ready::check_ports(&node))?;
    build(metadata, plan.settings.backend)?;
    plan.save()?;
    let program = metadata.program("kvs");
    let started = start_all(&program, &plan, options);
    if started.is_err() {
        end_all(&plan);
    }
    started?;
    show::hints(&plan, &program);
    Ok(())
}

fn start_all(program: &Path, plan: &Plan, options: &UpOptions) -> Result {
    let patience = Duration::from_secs(options.patience);
    let is_new = process::is_unfounded(plan);
    for (index, node) in plan.nodes().enumerate() {
        process::start(program, plan, &node)?;
        if index == 0 && is_new {
            // The others need somebody to join.
            ready::wait(&node, "/healthz", patience)?;
        }
    }
    for node in plan.nodes() {
        eprintln!("waiting for {} …", node.name);
        ready::wait(&node, "/readyz", patience)?;
    }
    Ok(())
}

/// Builds the program with the backend of a cluster.
fn build(metadata: &Metadata, backend: Backend) -> Result {
    match backend {
        Backend::Rocksdb => {
            rocksdb::ready(metadata)?;
            sh::run(&mut cargo(["build", "--workspace", "--bin", "kvs"]))
        }
        Backend::Fjall => {
            let features = ["--no-default-features", "--features", "fjall"];
            sh::run(cargo(["build", "-p", "kvs-server", "--bin", "kvs"]).args(features))
        }
    }
}

/// Ends all nodes, and removes their data if that is asked for.
fn down(plan: &Plan, wipe: bool) -> Result {
    let ended = end_all(plan);
    eprintln!("{ended} of {} nodes were running; now none is", plan.settings.nodes);
    if wipe {
        plan.wipe()?;
        eprintln!("removed the data in {}", plan.dir.display());
    } else {
        eprintln!(
            "the data is kept: `cargo xtask cluster up` starts it again, `down --wipe` removes it"
        );
    }
    Ok(())
}

/// Ends the nodes that run: with SIGTERM, and those that are left after ten seconds with SIGKILL.
/// Gives their number.
fn end_all(plan: &Plan) -> usize {
    let running: Vec<_> =
        plan.nodes().filter_map(|node| Some((process::running(&node)?, node))).collect();
    for (id, _) in &running {
        process::signal(*id, "TERM");
        // One that is stopped can't hear.
        process::signal(*id, "CONT");
    }
    let ended = |node: &Node| process::running(node).is_none();
    let all_ended = || running.iter().all(|(_, node)| ended(node));
    if !ready::until(END_MAX, all_ended) {
        for (id, node) in running.iter().filter(|(_, node)| !ended(node)) {
            eprintln!("{} doesn't end; it is killed", node.name);
            process::signal(*id, "KILL");
        }
        ready::until(END_MAX, all_ended);
    }
    running.iter().for_each(|(_, node)| process::forget(node));
    running.len()
}

/// Sends a signal to a node.
fn signal(plan: &Plan, number: u16, signal: &str) -> Result {
    let node = plan.node(number)?;
    let Some(id) = process::running(&node) else {
        return Err(Error::Message(format!("{} isn't running", node.name)));
    };
    process::signal(id, signal);
    if signal == "KILL" && ready::until(END_MAX, || process::running(&node).is_none()) {
        process::forget(&node);
    }
    eprintln!("{} (process {id}): SIG{signal}", node.name);
    Ok(())
}

/// Starts a node that doesn't run, and waits until it serves.
fn start(metadata: &Metadata, plan: &Plan, number: u16) -> Result {
    let node = plan.node(number)?;
    if let Some(id) = process::running(&node) {
        return Err(Error::Message(format!("{} is running (process {id})", node.name)));
    }
    let program = metadata.program("kvs");
    if sh::ask(Command::new(&program).arg("--version")).is_none() {
        return Err(Error::Message(format!("{} isn't built: `up` does", program.display())));
    }
    ready::check_ports(&node)?;
    process::start(&program, plan, &node)?;
    ready::wait(&node, "/readyz", options::PATIENCE)?;
    eprintln!("{} serves", node.name);
    Ok(())
}
