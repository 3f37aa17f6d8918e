//! Several nodes.

use std::net::SocketAddr;
use std::ops::{Index, IndexMut};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::node::Node;
use crate::until;

/// Nodes of one cluster at quorum 3,2,2, and their folders.
pub(crate) struct Cluster {
    // Before the folder, which goes when the processes are gone.
    nodes: Vec<Node>,
    folder: TempDir,
}

impl Cluster {
    /// Starts so many nodes and waits until they have formed a cluster.
    pub(crate) fn start(count: usize, flags: &[&str]) -> Self {
        Self::start_with(TempDir::new().unwrap(), count, |_, _| {
            flags.iter().map(ToString::to_string).collect()
        })
    }

    /// The same in a folder that is there already, and with the flags that `flags` gives for the
    /// folder and the number of a node.
    pub(crate) fn start_with(
        folder: TempDir,
        count: usize,
        flags: impl Fn(&Path, usize) -> Vec<String>,
    ) -> Self {
        let mut nodes: Vec<Node> = (0..count)
            .map(|n| {
                let mut node = Node::new(folder.path(), &format!("n{n}"), &["--quorum", "3,2,2"]);
                node.flags.extend(flags(folder.path(), n));
                node
            })
            .collect();
        nodes[0].start();
        let founder = nodes[0].addresses().rpc.to_string();
        for node in &mut nodes[1..] {
            node.flags.extend(["--join".to_owned(), founder.clone()]);
            node.spawn();
        }
        for node in &mut nodes[1..] {
            node.served();
        }
        let cluster = Self { nodes, folder };
        cluster.wait_for_all();
        cluster
    }

    /// Where its nodes have their folders.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// Where the nodes serve clients.
    pub(crate) fn doors(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.addresses().resp).collect()
    }

    /// A node that is to join, and isn't running yet.
    pub(crate) fn newcomer(&self, name: &str, flags: &[&str]) -> Node {
        let mut node = Node::new(self.folder(), name, flags);
        node.flags.extend(["--join".to_owned(), self[0].addresses().rpc.to_string()]);
        node
    }

    /// Waits until each node sees all the nodes, and no others, as up.
    #[track_caller]
    pub(crate) fn wait_for_all(&self) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.wait_for(&all);
    }

    /// Waits until each of these nodes sees exactly these as up, and all other members as down.
    #[track_caller]
    pub(crate) fn wait_for(&self, up: &[usize]) {
        let expected: Vec<(String, &str)> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(n, node)| (node.name.clone(), if up.contains(&n) { "up" } else { "down" }))
            .collect();
        for n in up {
            let mut client = Client::new(self[*n].addresses().resp);
            let last = std::cell::RefCell::default();
            until(
                || format!("n{n} does not see {expected:?}, but {:?}", last.borrow()),
                || {
                    let ring = client.ring().ok()?;
                    let found = states(&ring);
                    let done = found == expected && ring["state"] == "effective";
                    *last.borrow_mut() = ring;
                    done.then_some(())
                },
            );
        }
    }

    /// All nodes run, they are the only members, and they serve.
    #[track_caller]
    pub(crate) fn is_unharmed(&mut self) {
        for node in &mut self.nodes {
            assert!(node.runs(), "{} ended:\n{}", node.name, node.log());
        }
        self.wait_for_all();
        for n in 0..self.nodes.len() {
            let mut client = Client::new(self[n].addresses().resp);
            until(|| format!("n{n} takes no writes"), || client.put("unharmed", "yes").ok());
            let found = until(|| format!("n{n} reads nothing"), || client.get("unharmed").ok());
            assert_eq!(found.as_deref(), Some("yes"));
        }
    }
}

impl Index<usize> for Cluster {
    type Output = Node;

    fn index(&self, n: usize) -> &Node {
        &self.nodes[n]
    }
}

impl IndexMut<usize> for Cluster {
    fn index_mut(&mut self, n: usize) -> &mut Node {
        &mut self.nodes[n]
    }
}

/// The members and their states, by name.
fn states(ring: &Value) -> Vec<(String, &str)> {
    let members = ring["members"].as_array().into_iter().flatten();
    let mut states: Vec<_> = members
        .map(|member| {
            let state = member["state"].as_str().unwrap_or_default();
            (member["name"].as_str().unwrap_or_default().to_owned(), state)
        })
        .collect();
    states.sort_unstable();
    states
}
