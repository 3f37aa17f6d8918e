//! Telling people about a cluster.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::plan::{Node, Plan};
use super::{process, ready};

/// Prints which nodes run and serve.
pub(super) fn status(plan: &Plan) {
    print(&table(plan));
}

/// Prints how to talk to a cluster, and what to do to it.
pub(super) fn hints(plan: &Plan, program: &Path) {
    print(&talking(plan, program));
    print(&breaking(plan));
}

fn print(text: &str) {
    // Nobody is left to tell that nobody listens.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn table(plan: &Plan) -> String {
    let row = |node: &str, process: &str, state: &str, ports: [&str; 3], data: &str| {
        let [rpc, resp, http] = ports;
        format!("{node:<6} {process:>8}  {state:<7}  {rpc:<15}  {resp:<15}  {http:<15}  {data}\n")
    };
    let mut text = row("NODE", "PROCESS", "STATE", ["RPC", "REDIS", "HTTP"], "DATA");
    for node in plan.nodes() {
        let (process, state) = state(&node);
        let [rpc, resp, http] = [node.rpc, node.resp, node.http].map(at);
        let data = node.data.display().to_string();
        text += &row(&node.name, &process, state, [&rpc, &resp, &http], &data);
    }
    text
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

fn talking(plan: &Plan, program: &Path) -> String {
    let (kvs, quorum) = (program.display(), &plan.settings.quorum);
    let connect = |node: &Node| format!("--connect {}", at(node.resp));
    let mut text = format!("\nAll serve, quorum {quorum}:\n\n{}", table(plan));
    text += "\nTalk to any of them:\n\n";
    for node in plan.nodes() {
        let _ = writeln!(text, "  redis-cli -p {}    # {}", node.resp, node.name);
    }
    if let Some(first) = plan.nodes().next() {
        let any = connect(&first);
        let _ = writeln!(text, "  {kvs} ring status {any}");
        let _ = writeln!(text, "  {kvs} put greeting hello {any}");
        let _ = writeln!(text, "  curl http://{}/v1/ring", at(first.http));
    }
    let all: Vec<_> = plan.nodes().map(|node| connect(&node)).collect();
    let _ = writeln!(text, "  {kvs} load --verify {}", all.join(" "));
    text
}

fn breaking(plan: &Plan) -> String {
    let last = plan.settings.nodes;
    // Where it is, unless that is where it is looked for.
    let is_elsewhere = !plan.dir.ends_with("target/cluster");
    let dir = if is_elsewhere { format!(" --dir {}", plan.dir.display()) } else { String::new() };
    let mut text = "\nBreak it meanwhile, and end it:\n\n".to_owned();
    for (what, effect) in [
        (format!("kill {last}"), "a crash: SIGKILL"),
        (format!("start {last}"), "back again"),
        (format!("stop {last}"), "it hangs: SIGSTOP"),
        (format!("cont {last}"), "it goes on"),
        ("status".to_owned(), "who runs, who serves"),
        ("down".to_owned(), "ends it; --wipe removes the data"),
    ] {
        let _ = writeln!(text, "  cargo xtask cluster {what}{dir}    # {effect}");
    }
    text
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
