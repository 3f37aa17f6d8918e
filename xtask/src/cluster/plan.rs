//! What a cluster consists of, and where that is on disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::options::{Backend, UpOptions};
use crate::sh::{Error, Result};

/// The file with the settings.
const FILE: &str = "cluster.json";
/// The first port, if nothing else is said.
const BASE_PORT: u16 = 4343;
/// Ports of a node.
const PORTS: u16 = 3;

/// A cluster in a folder.
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    pub(super) settings: Settings,
}

/// What `up` was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) nodes: u16,
    pub(super) quorum: String,
    pub(super) backend: Backend,
    pub(super) base_port: u16,
    pub(super) args: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// As in `n1`.
    pub(super) name: String,
    /// Everything it keeps.
    pub(super) data: PathBuf,
    /// What it says.
    pub(super) log: PathBuf,
    /// Its process, while it runs.
    pub(super) pid: PathBuf,
    /// Where it talks to other nodes.
    pub(super) rpc: u16,
    /// Where it talks to Redis clients.
    pub(super) resp: u16,
    /// Where it answers to HTTP.
    pub(super) http: u16,
}

impl Settings {
    fn new(options: &UpOptions) -> Self {
        let nodes = options.nodes.unwrap_or(3);
        let quorum = match nodes {
            1 => "1,1,1",
            2 => "2,2,1",
            _ => "3,2,2",
        };
        Self {
            nodes,
            quorum: options.quorum.clone().unwrap_or_else(|| quorum.to_owned()),
            backend: options.backend.unwrap_or(Backend::Rocksdb),
            base_port: options.base_port.unwrap_or(BASE_PORT),
            args: options.args.clone(),
        }
    }

    /// A flag that asks for something else than these settings.
    fn differing(&self, options: &UpOptions) -> Option<&'static str> {
        let same = |differs: bool, flag| differs.then_some(flag);
        same(options.nodes.is_some_and(|nodes| nodes != self.nodes), "--nodes")
            .or(same(options.quorum.as_ref().is_some_and(|it| *it != self.quorum), "--quorum"))
            .or(same(options.backend.is_some_and(|it| it != self.backend), "--backend"))
            .or(same(options.base_port.is_some_and(|it| it != self.base_port), "--base-port"))
            .or(same(!options.args.is_empty() && options.args != self.args, "what follows --"))
    }
}

impl Plan {
    /// The cluster that is in `dir`, or else a new one.
    ///
    /// # Errors
    /// Options that don't fit the cluster that is there.
    pub(super) fn for_up(dir: &Path, options: &UpOptions) -> Result<Self> {
        let plan = |settings| Self { dir: dir.to_owned(), settings };
        let existing = read(dir)?.map(plan);
        // Without data there is nothing that the options could contradict.
        let Some(plan) = existing.filter(|plan| plan.nodes().any(|node| node.data.exists())) else {
            let plan = plan(Settings::new(options));
            plan.check_port_range()?;
            return Ok(plan);
        };
        let settings = &plan.settings;
        if let Some(flag) = settings.differing(options) {
            return Err(Error::Message(format!(
                "{flag}: {} holds another cluster ({} nodes, quorum {}, {}, ports from {}); \
                 `cargo xtask cluster down --wipe` removes it, --dir names another folder",
                dir.display(),
                settings.nodes,
                settings.quorum,
                settings.backend.name(),
                settings.base_port
            )));
        }
        Ok(plan)
    }

    /// The cluster that is in `dir`.
    pub(super) fn load(dir: &Path) -> Result<Self> {
        let none = || {
            let dir = dir.display();
            Error::Message(format!(
                "there is no cluster in {dir}; `cargo xtask cluster up` makes one"
            ))
        };
        Ok(Self { dir: dir.to_owned(), settings: read(dir)?.ok_or_else(none)? })
    }

    /// Notes what the cluster is, so that it can be started again.
    pub(super) fn save(&self) -> Result {
        let json = serde_json::to_string_pretty(&self.settings)
            .map_err(|e| Error::Message(format!("{FILE}: {e}")))?;
        let path = self.dir.join(FILE);
        fs::create_dir_all(&self.dir).map_err(|e| unusable(&self.dir, &e))?;
        fs::write(&path, json + "\n").map_err(|e| unusable(&path, &e))
    }

    /// All nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> {
        (0..self.settings.nodes).map(|index| {
            let name = format!("n{}", index + 1);
            let port = self.settings.base_port.saturating_add(PORTS * index);
            Node {
                data: self.dir.join(&name),
                log: self.dir.join(format!("{name}.log")),
                pid: self.dir.join(format!("{name}.pid")),
                rpc: port,
                resp: port.saturating_add(1),
                http: port.saturating_add(2),
                name,
            }
        })
    }

    /// The node of this number, counted from 1.
    pub(super) fn node(&self, number: u16) -> Result<Node> {
        let nodes = self.settings.nodes;
        let node = number.checked_sub(1).and_then(|index| self.nodes().nth(index.into()));
        node.ok_or_else(|| Error::Message(format!("node {number}: there are n1 to n{nodes}")))
    }

    /// Removes all that is of the cluster, and nothing else.
    pub(super) fn wipe(&self) -> Result {
        for node in self.nodes() {
            gone(&node.data, fs::remove_dir_all(&node.data))?;
            gone(&node.log, fs::remove_file(&node.log))?;
            gone(&node.pid, fs::remove_file(&node.pid))?;
        }
        let file = self.dir.join(FILE);
        gone(&file, fs::remove_file(&file))?;
        // It stays if there is something else in it.
        let _ = fs::remove_dir(&self.dir);
        Ok(())
    }

    fn check_port_range(&self) -> Result {
        let last = u32::from(self.settings.base_port)
            + u32::from(PORTS) * u32::from(self.settings.nodes)
            - 1;
        if last > u32::from(u16::MAX) {
            return Err(Error::Message(format!("--base-port: the last port would be {last}")));
        }
        Ok(())
    }
}

fn read(dir: &Path) -> Result<Option<Settings>> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(json) => serde_json::from_str(&json)
            .map(Some)
            .map_err(|e| Error::Message(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unusable(&path, &e)),
    }
}

fn gone(path: &Path, removed: std::io::Result<()>) -> Result {
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(unusable(path, &e)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Message(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(nodes: Option<u16>, base_port: Option<u16>) -> UpOptions {
        UpOptions {
            nodes,
            quorum: None,
            backend: None,
            base_port,
            dir: None,
            patience: 1,
            args: Vec::new(),
        }
    }

    #[test]
    fn nodes_have_three_ports_in_a_row() {
        let plan = Plan { dir: "d".into(), settings: Settings::new(&options(Some(5), None)) };
        let ports: Vec<_> =
            plan.nodes().flat_map(|node| [node.rpc, node.resp, node.http]).collect();
        assert_eq!(ports, (4343..4343 + 15).collect::<Vec<_>>());
        assert_eq!(plan.node(5).unwrap().name, "n5");
        assert!(plan.node(0).is_err() && plan.node(6).is_err());
        let quorums = [1, 2, 3, 7].map(|nodes| Settings::new(&options(Some(nodes), None)).quorum);
        assert_eq!(quorums, ["1,1,1", "2,2,1", "3,2,2", "3,2,2"]);
        let high = Plan { settings: Settings::new(&options(Some(2), Some(65_531))), ..plan };
        assert!(high.check_port_range().is_err());
    }

    #[test]
    fn a_cluster_that_is_there_is_started_as_it_was() {
        let settings = Settings::new(&options(Some(5), None));
        assert_eq!(settings.differing(&options(None, None)), None);
        assert_eq!(settings.differing(&options(Some(5), Some(4343))), None);
        assert_eq!(settings.differing(&options(Some(4), None)), Some("--nodes"));
        assert_eq!(settings.differing(&options(None, Some(1))), Some("--base-port"));
    }
}
