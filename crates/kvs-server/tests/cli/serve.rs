//! A node that runs, serves, and stops when it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command};

use crate::store::Store;

/// A running node. It is killed when this is dropped.
pub(crate) struct Node {
    child: Child,
    // Kept, as a node whose output nobody reads any more is another matter.
    _out: BufReader<ChildStdout>,
    pub(crate) resp: String,
    http: String,
}

impl Node {
    pub(crate) fn start(store: &Store, more: &[&str]) -> Self {
        let any = "127.0.0.1:0";
        let args = ["serve", "--json", "--rpc-addr", any, "--resp-addr", any, "--http-addr", any];
        let mut child = store.command([&args[..], more].concat()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
        Self { resp: address("resp"), http: address("http"), child, _out: out }
    }

    /// Sends bytes to a port, and gives what comes back until the connection ends.
    fn exchange(address: &str, bytes: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn redis(&self, commands: &str) -> String {
        Self::exchange(&self.resp, &format!("{commands}\r\nQUIT\r\n"))
    }

    fn http(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: kvs\r\nConnection: close\r\n\r\n");
        Self::exchange(&self.http, &request)
    }

    /// Tells it to stop, and gives its exit code and log.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_served_is_kept() {
    let store = Store::new();
    for (signal, before) in [("-TERM", "$-1"), ("-INT", "$5\r\nhello"), ("-TERM", "$5\r\nhello")] {
        let node = Node::start(&store, &[]);
        let answer = node.redis("GET greeting\r\nSET greeting hello");
        assert_eq!(answer, format!("{before}\r\n+OK\r\n+OK\r\n"));
        assert!(node.http("/readyz").starts_with("HTTP/1.1 200 "));
        let ring = node.http("/v1/ring");
        assert!(ring.contains(r#""state":"effective""#), "{ring}");
        let mut idle = TcpStream::connect(&node.resp).unwrap();
        let (code, log) = node.stop(signal);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("serving") && log.contains("stopped"), "{log}");
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn a_password_is_asked_for_and_logs_can_be_json() {
    let store = Store::new();
    let file = store.write("password", "secret\n");
    let node = Node::start(&store, &["--password-file", &file, "--log-format", "json"]);
    let answer = node.redis("GET k\r\nAUTH secret\r\nGET k");
    assert_eq!(answer, "-NOAUTH Authentication required.\r\n+OK\r\n$-1\r\n+OK\r\n");
    assert!(node.http("/v1/ring").starts_with("HTTP/1.1 401 "));
    assert!(node.http("/healthz").starts_with("HTTP/1.1 200 "));
    let (_, log) = node.stop("-TERM");
    assert!(!log.is_empty() && !log.contains("secret"), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let store = Store::new();
    let empty = store.write("empty", " \n");
    let file = store.write("kvs.toml", "resp_addr = \"127.0.0.1:0\"\n");
    for (args, problem) in [
        (["--resp-addr", "0.0.0.0:0"], "--password-file"),
        (["--password-file", &empty], "empty is empty"),
        (["--password-file", "none"], "none can't be read"),
        (["--config", &file], "unknown field `resp_addr`"),
        (["--http-addr", "192.0.2.1:0"], "--password-file"),
    ] {
        store.run(["serve"].into_iter().chain(args)).failed(1, problem);
        assert!(!store.data().exists(), "{args:?}");
    }
    let node = Node::start(&store, &[]);
    let taken = node.resp.as_str();
    let any = "127.0.0.1:0";
    let other = ["serve", "--data-dir", "other", "--rpc-addr", any, "--http-addr", any];
    let failed = store.run(other.into_iter().chain(["--resp-addr", taken]));
    assert!(failed.code == 1 && failed.err.contains("can't be listened at"), "{failed:?}");
    store.run(["serve"]).failed(1, "data folder");
}

#[test]
fn the_environment_stands_in_for_flags() {
    let store = Store::new();
    let mut command = store.command(["serve"]);
    let output = command.env("KVS_QUORUM", "3,1,1").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--quorum: quorum 3,1,1"), "{error}");
    let mut command = store.command(["serve", "--quorum", "4,1,1"]);
    let output = command.env("KVS_QUORUM", "3,1,1").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--quorum: quorum 4,1,1"), "{error}");
}
