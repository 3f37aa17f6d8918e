//! Telling people about a cluster.

use std::path::Path;

use super::plan::{Node, Plan};
use super::{process, ready};

/// Prints which nodes run and serve.
pub(super) fn status(plan: &Plan) {
    println!(
        "{:<6} {:>8}  {:<7} {:<16} {:<16} {:<16} DATA",
        "NODE", "PROCESS", "STATE", "RPC", "REDIS", "HTTP"
    );
    for node in plan.nodes() {
        let (process, state) = state(&node);
        let Node { name, rpc, resp, http, data, .. } = &node;
        println!(
            "{name:<6} {process:>8}  {state:<7} {:<16} {:<16} {:<16} {}",
            format!("127.0.0.1:{rpc}"),
            format!("127.0.0.1:{resp}"),
            format!("127.0.0.1:{http}"),
            data.display()
        );
    }
}

/// A node's process, and how it does.
fn state(node: &Node) -> (String, &'static str) {
    let Some(id) = process::running(node) else { return ("-".to_owned(), "down") };
    let state = match ready::get(node.http, "/readyz") {
        Ok((200, _)) => "ready",
        Ok(_) => "unready",
        Err(_) => "silent",
    };
    (id.to_string(), state)
}

/// Prints how to talk to a cluster, and what to do to it.
pub(super) fn hints(plan: &Plan, program: &Path) {
    let Some(first) = plan.nodes().next() else { return };
    let resp = first.resp;
    println!("\n{} nodes serve, quorum {}:\n", plan.settings.nodes, plan.settings.quorum);
    status(plan);
    println!("\nTalk to any of them:\n");
    for node in plan.nodes() {
        println!("  redis-cli -p {:<5}                       # {}", node.resp, node.name);
    }
    let kvs = program.display();
    let all: Vec<_> =
        plan.nodes().map(|node| format!("--connect 127.0.0.1:{}", node.resp)).collect();
    println!("  {kvs} ring status --connect 127.0.0.1:{resp}");
    println!("  {kvs} put greeting hello --connect 127.0.0.1:{resp}");
    println!("  {kvs} load --verify {}", all.join(" "));
    println!("  curl http://127.0.0.1:{}/v1/ring", first.http);
    println!("\nBreak it, meanwhile:\n");
    println!("  cargo xtask cluster kill 2       # a crash: SIGKILL");
    println!("  cargo xtask cluster stop 2       # it hangs: SIGSTOP; `cont 2` lets it go on");
    println!("  cargo xtask cluster start 2      # back again");
    println!("  cargo xtask cluster status");
    println!("  cargo xtask cluster down         # ends it; `--wipe` removes the data");
}
