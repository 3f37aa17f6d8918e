//! Nodes as processes, which outlive the chore that starts them.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::plan::{Node, Plan};
use super::ready;
use crate::sh::{self, Error, Result};

/// How long a process may take until it can be seen.
const SEEN_MAX: Duration = Duration::from_secs(5);

/// Starts a node.
pub(super) fn start(program: &Path, plan: &Plan, node: &Node) -> Result {
    let log = File::options().create(true).append(true).open(&node.log);
    let log = log.map_err(|e| unusable(&node.log, &e))?;
    let err = log.try_clone().map_err(|e| unusable(&node.log, &e))?;
    let mut command = Command::new(program);
    // Settings come from here alone; what is logged may come from the person.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("KVS_") && name != "KVS_LOG" {
            command.env_remove(name);
        }
    }
    command.arg("serve").args(["--node-name", &node.name]).arg("--data-dir").arg(&node.data);
    for (flag, port) in
        [("--rpc-addr", node.rpc), ("--resp-addr", node.resp), ("--http-addr", node.http)]
    {
        command.args([flag, &format!("127.0.0.1:{port}")]);
    }
    let settings = &plan.settings;
    command.args(["--backend", settings.backend.name(), "--quorum", &settings.quorum]);
    for other in to_join(plan, node) {
        command.args(["--join", &format!("127.0.0.1:{}", other.rpc)]);
    }
    command.args(&settings.args).stdin(Stdio::null()).stdout(log).stderr(err);
    // Ctrl-C is meant for us, not for them.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| unusable(program, &e))?;
    eprintln!("{}: process {}, {}", node.name, child.id(), node.log.display());
    fs::write(&node.pid, format!("{}\n", child.id())).map_err(|e| unusable(&node.pid, &e))?;
    // For a moment a new process has no words of its own to be known by.
    let has_ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
    ready::until(SEEN_MAX, || running(node).is_some() || has_ended(&mut child));
    Ok(())
}

/// Whether the cluster has yet to be founded, which its first node does: no other one has ever run.
pub(super) fn is_unfounded(plan: &Plan) -> bool {
    plan.nodes().skip(1).all(|node| !node.data.exists())
}

/// The nodes that another one joins: all others, so that it finds its way back also without its data,
/// whoever else is down. Only the first one of a new cluster joins nobody, and founds it.
fn to_join(plan: &Plan, node: &Node) -> impl Iterator<Item = Node> {
    let is_first = plan.nodes().next().is_some_and(|first| first.name == node.name);
    let founds = is_first && is_unfounded(plan);
    plan.nodes().filter(move |other| !founds && other.name != node.name)
}

/// The process of a node, if it runs.
///
/// A process that has got the number of one that ended is not taken for it: what runs must name the
/// node's data folder.
pub(super) fn running(node: &Node) -> Option<u32> {
    let id: u32 = fs::read_to_string(&node.pid).ok()?.trim().parse().ok()?;
    let folder = node.data.to_string_lossy();
    // Empty for one that has ended and that nobody has looked after yet.
    let is_ours = match fs::read(format!("/proc/{id}/cmdline")) {
        Ok(words) => String::from_utf8_lossy(&words).split('\0').any(|word| word == folder),
        Err(_) => sh::ask(Command::new("ps").args(["-o", "args=", "-p", &id.to_string()]))?
            .contains(&*folder),
    };
    is_ours.then_some(id)
}

/// Sends a signal, as in `TERM`, to a process. One that has ended meanwhile is as good.
pub(super) fn signal(id: u32, signal: &str) {
    let _ = sh::ask(Command::new("kill").args([&format!("-{signal}"), &id.to_string()]));
}

/// Removes the note of a process that has ended.
pub(super) fn forget(node: &Node) {
    // One that stays does no harm: see `running`.
    let _ = fs::remove_file(&node.pid);
}

/// The end of what a node has said.
pub(super) fn tail(node: &Node) -> String {
    const LINES: usize = 20;
    let log = fs::read(&node.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Message(format!("{}: {error}", path.display()))
}
