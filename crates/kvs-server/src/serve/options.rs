//! What can be said on the command line, in the environment and in a file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use kvs::cluster::Quorum;
use serde::Deserialize;

use super::logging::LogFormat;
use super::values::{Lease, Period, RedisStrings, quorum};
use crate::error::{Failure, Result};
use crate::store::{Durability, StoreArgs};

/// The options of `kvs serve`; what isn't said is left to the next in line. The file has the same
/// names, as in `resp-addr = "127.0.0.1:6380"`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServeOptions {
    /// Settings in TOML, for what flags and environment leave open
    #[arg(long, env = "KVS_CONFIG", hide_env_values = true, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,

    // These three are flags of every command.
    #[arg(skip)]
    pub(crate) data_dir: Option<PathBuf>,
    #[arg(skip)]
    pub(crate) backend: Option<String>,
    #[arg(skip)]
    pub(crate) durability: Option<Durability>,

    /// The node's name, for people [default: the host's]
    #[arg(long, env = "KVS_NODE_NAME", hide_env_values = true, value_name = "NAME")]
    pub(crate) node_name: Option<String>,
    /// Where to listen for other nodes: TCP, and UDP on the same port [default: 127.0.0.1:4343]
    #[arg(long, env = "KVS_RPC_ADDR", hide_env_values = true, value_name = "ADDRESS")]
    pub(crate) rpc_addr: Option<SocketAddr>,
    /// Where to listen for the Redis protocol [default: 127.0.0.1:6380]
    #[arg(long, env = "KVS_RESP_ADDR", hide_env_values = true, value_name = "ADDRESS")]
    pub(crate) resp_addr: Option<SocketAddr>,
    /// Where to listen for HTTP, for administration [default: 127.0.0.1:8343]
    #[arg(long, env = "KVS_HTTP_ADDR", hide_env_values = true, value_name = "ADDRESS")]
    pub(crate) http_addr: Option<SocketAddr>,
    /// What other nodes connect to [default: the RPC address]
    #[arg(long, env = "KVS_ADVERTISE_ADDR", hide_env_values = true, value_name = "HOST:PORT")]
    pub(crate) advertise_addr: Option<String>,

    /// A member of the cluster to join; may repeat [default: none, a cluster of its own]
    #[arg(long, env = "KVS_JOIN", hide_env_values = true, value_name = "HOST:PORT")]
    #[arg(value_delimiter = ',', action = ArgAction::Append)]
    pub(crate) join: Option<Vec<String>>,
    /// Replicas of each key, and how many of them a write and a read need, for a new cluster
    /// [default: 1,1,1]
    #[arg(long, env = "KVS_QUORUM", hide_env_values = true, value_name = "N,W,R")]
    #[serde(deserialize_with = "quorum")]
    pub(crate) quorum: Option<Quorum>,
    /// Allows a quorum in which a read may miss a write
    #[arg(long, env = "KVS_ALLOW_WEAK_QUORUM", hide_env_values = true)]
    #[arg(num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    #[arg(value_name = "BOOL", hide_possible_values = true)]
    pub(crate) allow_weak_quorum: Option<bool>,
    /// Parts of a new cluster's data [default: 1024]
    #[arg(long, env = "KVS_BUCKETS", hide_env_values = true, value_name = "N")]
    pub(crate) buckets: Option<u32>,
    /// Places of each node on a new cluster's ring [default: 128]
    #[arg(long, env = "KVS_VIRTUAL_NODES", hide_env_values = true, value_name = "N")]
    pub(crate) virtual_nodes: Option<u32>,
    /// Bits of a key's hash in a new cluster [default: 32]
    #[arg(long, env = "KVS_HASH_LENGTH", hide_env_values = true, value_name = "BITS")]
    pub(crate) hash_length: Option<u8>,
    /// How long to wait for other nodes' answers, as in 3s or 500ms [default: 3s]
    #[arg(long, env = "KVS_GATHER_TIMEOUT", hide_env_values = true, value_name = "TIME")]
    pub(crate) gather_timeout: Option<Period>,
    /// How long an owner may answer reads of entities without asking others, as in 2s; who is gone is
    /// replaced that much later. The same on all nodes; 0 for never [default: 0]
    #[arg(long, env = "KVS_READ_LEASE", hide_env_values = true, value_name = "TIME")]
    pub(crate) read_lease: Option<Lease>,
    /// What this node shares a fate with, as a room or a rack [default: none]
    #[arg(long, env = "KVS_ZONE", hide_env_values = true, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// How much this node holds compared with others, 1 to 1000 [default: 100]
    #[arg(long, env = "KVS_WEIGHT", hide_env_values = true, value_name = "N")]
    pub(crate) weight: Option<u32>,
    /// The cluster's name, the same on all nodes [default: kvs]
    #[arg(long, env = "KVS_CLUSTER_NAME", hide_env_values = true, value_name = "NAME")]
    pub(crate) cluster_name: Option<String>,

    /// A file with the secret that nodes share
    #[arg(long, env = "KVS_CLUSTER_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) cluster_key_file: Option<PathBuf>,
    /// A file with the password of clients (Redis protocol and HTTP)
    #[arg(long, env = "KVS_PASSWORD_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// This node's certificate for other nodes, as PEM
    #[arg(long, env = "KVS_TLS_CERT", hide_env_values = true, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, env = "KVS_TLS_KEY", hide_env_values = true, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The authority that has signed all nodes' certificates, as PEM
    #[arg(long, env = "KVS_TLS_CA", hide_env_values = true, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// How to log, to the standard error: text or json [default: text]
    #[arg(long, env = "KVS_LOG_FORMAT", hide_env_values = true, value_name = "FORMAT")]
    #[arg(value_enum, hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,
    /// Where Redis' strings are kept: `entity`, where the commands of a key have one order and a
    /// majority of its replicas is needed, or `ring`, where any W replicas take a write and commands
    /// that need an order are refused [default: entity]
    #[arg(long, env = "KVS_REDIS_STRINGS", hide_env_values = true, value_enum)]
    #[arg(hide_possible_values = true)]
    pub(crate) redis_strings: Option<RedisStrings>,
}

impl ServeOptions {
    /// The same with the flags of every command.
    pub(super) fn with_store(self, store: StoreArgs) -> Self {
        let backend = store.backend.map(|backend| backend.name().to_owned());
        Self { data_dir: store.data_dir, backend, durability: store.durability, ..self }
    }

    /// The same with what the file says, if one was named, for what is left open.
    pub(super) fn complete(self) -> Result<Self> {
        match &self.config {
            Some(path) => {
                let beneath = Self::read(path)?;
                Ok(self.or(beneath))
            }
            None => Ok(self),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that can't be read, and one with an unknown name or a wrong value, which are told.
    fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|source| Failure::input(format!("--config: {name} can't be read"), source))?;
        toml::from_str(&text)
            .map_err(|problem| Failure::Refused(format!("--config: {name}: {problem}")))
    }

    /// What is said here, and `beneath` for what isn't.
    fn or(self, beneath: Self) -> Self {
        Self {
            config: self.config,
            data_dir: self.data_dir.or(beneath.data_dir),
            backend: self.backend.or(beneath.backend),
            durability: self.durability.or(beneath.durability),
            node_name: self.node_name.or(beneath.node_name),
            rpc_addr: self.rpc_addr.or(beneath.rpc_addr),
            resp_addr: self.resp_addr.or(beneath.resp_addr),
            http_addr: self.http_addr.or(beneath.http_addr),
            advertise_addr: self.advertise_addr.or(beneath.advertise_addr),
            join: self.join.or(beneath.join),
            quorum: self.quorum.or(beneath.quorum),
            allow_weak_quorum: self.allow_weak_quorum.or(beneath.allow_weak_quorum),
            buckets: self.buckets.or(beneath.buckets),
            virtual_nodes: self.virtual_nodes.or(beneath.virtual_nodes),
            hash_length: self.hash_length.or(beneath.hash_length),
            gather_timeout: self.gather_timeout.or(beneath.gather_timeout),
            read_lease: self.read_lease.or(beneath.read_lease),
            zone: self.zone.or(beneath.zone),
            weight: self.weight.or(beneath.weight),
            cluster_name: self.cluster_name.or(beneath.cluster_name),
            cluster_key_file: self.cluster_key_file.or(beneath.cluster_key_file),
            password_file: self.password_file.or(beneath.password_file),
            tls_cert: self.tls_cert.or(beneath.tls_cert),
            tls_key: self.tls_key.or(beneath.tls_key),
            tls_ca: self.tls_ca.or(beneath.tls_ca),
            log_format: self.log_format.or(beneath.log_format),
            redis_strings: self.redis_strings.or(beneath.redis_strings),
        }
    }
}
