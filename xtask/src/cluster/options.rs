//! What can be asked for.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cargo::Metadata;
use crate::sh::{Error, Result};

/// How long nodes may take until they serve.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster on this machine: real `kvs serve` processes on loopback.
#[derive(Subcommand)]
pub(crate) enum Cluster {
    /// Build kvs, start the nodes, and wait until all serve.
    ///
    /// Node i (from 0) listens on ports from the base port P on: P+3i for other nodes, P+3i+1 for
    /// the Redis protocol, P+3i+2 for HTTP. On the data of an earlier `up` it starts that cluster
    /// again, with what it was asked for then.
    Up(UpOptions),
    /// End the nodes: with SIGTERM, and after ten seconds with SIGKILL.
    Down {
        /// Remove their data and logs, too.
        #[arg(long)]
        wipe: bool,
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
    /// Show which nodes run, and which of them serve.
    Status {
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
    /// Kill a node (SIGKILL), as a crash does.
    Kill {
        /// The node's number, from 1
        node: u16,
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
    /// Stop a node (SIGSTOP): it keeps its connections and says nothing.
    Stop {
        /// The node's number, from 1
        node: u16,
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
    /// Let a stopped node go on (SIGCONT).
    Cont {
        /// The node's number, from 1
        node: u16,
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
    /// Start a node that was killed. Without its data folder it is a new node, which joins only while the
    /// cluster is empty and all of its members are up.
    Start {
        /// The node's number, from 1
        node: u16,
        /// The cluster's folder [default: target/cluster]
        #[arg(long, value_name = "PATH")]
        dir: Option<PathBuf>,
    },
}

/// What a cluster is to be. What isn't said is as it was, or else the default.
#[derive(Args)]
pub(crate) struct UpOptions {
    /// How many nodes [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) nodes: Option<u16>,
    /// Replicas, and how many a write and a read need [default: 3,2,2, or all of fewer nodes]
    #[arg(long, value_name = "N,W,R")]
    pub(super) quorum: Option<String>,
    /// The engine; fjall needs neither C++ nor libclang [default: rocksdb]
    #[arg(long, value_enum)]
    pub(super) backend: Option<Backend>,
    /// The first port [default: 4343]
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) base_port: Option<u16>,
    /// The cluster's folder [default: target/cluster]
    #[arg(long, value_name = "PATH")]
    pub(super) dir: Option<PathBuf>,
    /// How many seconds nodes may take until they serve
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    pub(super) patience: u64,
    /// Passed on to each `kvs serve`, as in `-- --durability always`
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
}

/// An engine that clusters run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    Rocksdb,
    Fjall,
}

impl Backend {
    /// Its name, as `kvs --backend` takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rocksdb => "rocksdb",
            Self::Fjall => "fjall",
        }
    }
}

impl Cluster {
    /// The cluster's folder, as an absolute path.
    pub(super) fn dir(&self, metadata: &Metadata) -> Result<PathBuf> {
        let dir = match self {
            Self::Up(UpOptions { dir, .. })
            | Self::Down { dir, .. }
            | Self::Status { dir }
            | Self::Kill { dir, .. }
            | Self::Stop { dir, .. }
            | Self::Cont { dir, .. }
            | Self::Start { dir, .. } => dir,
        };
        let current = env::current_dir()
            .map_err(|e| Error::Message(format!("there is no current folder: {e}")))?;
        Ok(match dir {
            Some(dir) => current.join(dir),
            None => metadata.workspace_root.join("target/cluster"),
        })
    }
}
