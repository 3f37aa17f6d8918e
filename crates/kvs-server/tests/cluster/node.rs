//! A process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use crate::until;

/// How much of a log a failed test shows.
const LOG_LINES_SHOWN: usize = 40;

/// Where a node listens.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Addresses {
    pub(crate) rpc: SocketAddr,
    pub(crate) resp: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// A node, running or not. Its process ends when this is dropped.
pub(crate) struct Node {
    pub(crate) name: String,
    /// What it keeps.
    pub(crate) data: PathBuf,
    /// What it is told, beside where it listens.
    pub(crate) flags: Vec<String>,
    log: PathBuf,
    addresses: Addresses,
    child: Option<Child>,
    first_line: Option<Receiver<String>>,
}

impl Node {
    /// A node that isn't running yet, with its data and its log in `folder`.
    ///
    /// It has an address of its own, so that nobody takes one of its ports while it is down.
    pub(crate) fn new(folder: &Path, name: &str, flags: &[&str]) -> Self {
        let own = own_address();
        let addresses = Addresses { rpc: own, resp: own, http: own };
        Self {
            name: name.to_owned(),
            data: folder.join(name),
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
            log: folder.join(format!("{name}.log")),
            addresses,
            child: None,
            first_line: None,
        }
    }

    /// Starts the process, where it was before if it ran before. It may end at once.
    pub(crate) fn spawn(&mut self) {
        assert!(self.child.is_none(), "{} is running", self.name);
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let Addresses { rpc, resp, http } = &self.addresses;
        let mut child = Command::new(env!("CARGO_BIN_EXE_kvs"))
            .args(["serve", "--json", "--node-name", &self.name])
            .arg("--data-dir")
            .arg(&self.data)
            .args(["--rpc-addr", &rpc.to_string()])
            .args(["--resp-addr", &resp.to_string()])
            .args(["--http-addr", &http.to_string()])
            // Later flags override none of these: each may be given once.
            .args(&self.flags)
            .env_remove("KVS_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            while out.read_line(&mut line).is_ok_and(|length| length > 0) {
                // Whoever started the node may not want to know.
                let _ = sender.send(std::mem::take(&mut line));
            }
        });
        self.child = Some(child);
        self.first_line = Some(receiver);
    }

    /// Waits until it serves.
    #[track_caller]
    pub(crate) fn served(&mut self) -> &Addresses {
        let line = self.first_line.take().expect("started, and not yet waited for");
        let name = self.name.clone();
        let line = until(
            || format!("{name} does not serve"),
            || match line.try_recv() {
                Ok(line) => Some(line),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => panic!("{name} ended:\n{}", self.log()),
            },
        );
        self.addresses = serde_json::from_str(&line).unwrap();
        &self.addresses
    }

    #[track_caller]
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.served();
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Has it listen for other nodes somewhere else.
    pub(crate) fn rpc_addr(&mut self, rpc: SocketAddr) {
        self.addresses.rpc = rpc;
    }

    /// Has it listen for Redis clients somewhere else.
    pub(crate) fn resp_addr(&mut self, resp: SocketAddr) {
        self.addresses.resp = resp;
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Has it stand still.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Tells it to end, and gives its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.ended().code()
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let name = self.name.clone();
        until(|| format!("{name} does not end"), || self.try_ended())
    }

    /// How it ended, if it has.
    pub(crate) fn try_ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.as_mut().expect("it was started").try_wait().unwrap();
        if ended.is_some() {
            self.child = None;
        }
        ended
    }

    /// Whether its process is there.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Takes its disk away.
    pub(crate) fn wipe(&self) {
        fs::remove_dir_all(&self.data).unwrap();
    }

    /// All that it has logged, in all its lives.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The memory it holds, in MiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory_mib(&self) -> u64 {
        let id = self.child.as_ref().expect("it runs").id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!("--- {} ({} lines of log)\n{}", self.name, lines.len(), shown.join("\n"));
        }
    }
}

/// Any port of a loopback address that no other node of this run has.
fn own_address() -> SocketAddr {
    static NODES: AtomicU32 = AtomicU32::new(0);
    let node = NODES.fetch_add(1, Ordering::Relaxed);
    if cfg!(target_os = "linux") {
        // All of 127.0.0.0/8 is there. Processes differ in the second and third part.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let last = u8::try_from(node % 254 + 1).unwrap();
        SocketAddr::from(([127, high | 1, low, last], 0))
    } else {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }
}
