//! What a node is to do: every option with its value, checked.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use kvs::cluster::{CLUSTER_NAME_MAX, Certificates, Hashing, Quorum, Security};
use kvs::{Backend, ClusterConfig};
use serde::Serialize;

use super::logging::LogFormat;
use super::options::ServeOptions;
use super::secret::Secret;
use super::values::{Lease, Period, RedisStrings};
use crate::error::{Failure, Result};
use crate::store::{DATA_DIR, Durability, StoreArgs};

/// The settings of a node. See [`ServeOptions`] for their meaning.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Settings {
    pub(super) data_dir: PathBuf,
    pub(super) backend: Option<String>,
    pub(super) durability: Durability,
    pub(super) node_name: String,
    pub(super) rpc_addr: SocketAddr,
    pub(super) resp_addr: SocketAddr,
    pub(super) http_addr: SocketAddr,
    pub(super) advertise_addr: Option<String>,
    pub(super) join: Vec<String>,
    pub(super) quorum: Option<Quorum>,
    pub(super) allow_weak_quorum: bool,
    pub(super) buckets: Option<u32>,
    pub(super) virtual_nodes: Option<u32>,
    pub(super) hash_length: Option<u8>,
    pub(super) gather_timeout: Period,
    pub(super) read_lease: Lease,
    pub(super) zone: String,
    pub(super) weight: u32,
    pub(super) cluster_name: String,
    pub(super) cluster_key_file: Option<PathBuf>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) log_format: LogFormat,
    pub(super) redis_strings: RedisStrings,
}

impl Settings {
    /// The settings of `options`, with defaults for what is left open.
    ///
    /// # Errors
    /// Values that make no sense, alone or together, and ports that would be open to everybody.
    pub(super) fn new(options: ServeOptions) -> Result<Self> {
        let rpc_addr = options.rpc_addr.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 4343)));
        let settings = Self {
            data_dir: options.data_dir.unwrap_or_else(|| DATA_DIR.into()),
            backend: options.backend,
            durability: options.durability.unwrap_or_default(),
            node_name: options.node_name.unwrap_or_else(host_name),
            rpc_addr,
            resp_addr: options.resp_addr.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 6380))),
            http_addr: options.http_addr.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8343))),
            advertise_addr: options.advertise_addr,
            join: options.join.unwrap_or_default(),
            quorum: options.quorum,
            allow_weak_quorum: options.allow_weak_quorum.unwrap_or(false),
            buckets: options.buckets,
            virtual_nodes: options.virtual_nodes,
            hash_length: options.hash_length,
            gather_timeout: options.gather_timeout.unwrap_or(Period(Duration::from_secs(3))),
            read_lease: options.read_lease.unwrap_or_default(),
            zone: options.zone.unwrap_or_default(),
            weight: options.weight.unwrap_or(100),
            cluster_name: options.cluster_name.unwrap_or_else(|| "kvs".to_owned()),
            cluster_key_file: options.cluster_key_file,
            password_file: options.password_file,
            tls_cert: options.tls_cert,
            tls_key: options.tls_key,
            tls_ca: options.tls_ca,
            log_format: options.log_format.unwrap_or_default(),
            redis_strings: options.redis_strings.unwrap_or_default(),
        };
        settings
            .check_values()
            .and_then(|()| settings.check_listeners())
            .map_err(Failure::Refused)?;
        Ok(settings)
    }

    fn check_values(&self) -> Result<(), String> {
        if let Some(name) = &self.backend {
            name.parse::<Backend>().map_err(|problem| format!("--backend: {problem}"))?;
        }
        if let Some(quorum) = self.quorum {
            let quorum = quorum.check(self.allow_weak_quorum);
            quorum.map_err(|problem| format!("--quorum: {problem}; see --allow-weak-quorum"))?;
        }
        self.hashing()?;
        within("--virtual-nodes", self.virtual_nodes.unwrap_or(128), 1, 1_024)?;
        within("--weight", self.weight, 1, 1_000)?;
        for (flag, name, least, most) in [
            ("--node-name", &self.node_name, 1, NAME_BYTES_MAX),
            ("--cluster-name", &self.cluster_name, 1, CLUSTER_NAME_MAX),
            ("--zone", &self.zone, 0, NAME_BYTES_MAX),
        ] {
            if !(least..=most).contains(&name.len()) {
                let found = name.len();
                return Err(format!("{flag}: {found} bytes, not {least} to {most}"));
            }
        }
        if let Some(name) = &self.advertise_addr {
            host_and_port("--advertise-addr", name)?;
        }
        self.join.iter().try_for_each(|member| host_and_port("--join", member))?;
        let tls = [&self.tls_cert, &self.tls_key, &self.tls_ca];
        let given = tls.iter().filter(|file| file.is_some()).count();
        if given != 0 && given != tls.len() {
            return Err("--tls-cert, --tls-key and --tls-ca go together".to_owned());
        }
        Ok(())
    }

    /// Refuses ports that whoever reaches this machine could use.
    fn check_listeners(&self) -> Result<(), String> {
        let password = (self.password_file.is_some(), "--password-file");
        // Certificates protect streams; gossip needs the key all the same.
        let key = (self.cluster_key_file.is_some(), "--cluster-key-file");
        for (flag, address, (protected, remedy)) in [
            ("--resp-addr", self.resp_addr, password),
            ("--http-addr", self.http_addr, password),
            ("--rpc-addr", self.rpc_addr, key),
        ] {
            if !protected && !address.ip().is_loopback() {
                return Err(format!(
                    "{flag}: {address} can be reached from other machines, and nothing protects it; \
                     {remedy} does, or listen on 127.0.0.1"
                ));
            }
        }
        Ok(())
    }

    /// How partitions map to buckets, if anything was said of that.
    fn hashing(&self) -> Result<Option<Hashing>, String> {
        if self.buckets.is_none() && self.hash_length.is_none() {
            return Ok(None);
        }
        let usual = Hashing::default();
        let hashing = Hashing::new(
            self.hash_length.unwrap_or(usual.hash_length()),
            self.buckets.unwrap_or(usual.buckets()),
        );
        hashing.map(Some).map_err(|problem| format!("--buckets, --hash-length: {problem}"))
    }

    /// How the node takes part in its cluster.
    ///
    /// # Errors
    /// Key and certificate files that can't be read, an address that stands for nothing.
    pub(super) fn cluster(&self) -> Result<ClusterConfig> {
        let refused =
            |flag: &str, problem: &dyn Display| Failure::Refused(format!("{flag}: {problem}"));
        let mut cluster = ClusterConfig::new(&self.data_dir, self.rpc_addr);
        cluster.storage = self.store().options();
        let node = &mut cluster.node;
        node.name = self.node_name.clone();
        node.cluster_name = self.cluster_name.clone();
        node.advertise = match &self.advertise_addr {
            None => None,
            Some(name) => {
                let mut found = name.to_socket_addrs().map_err(|problem| {
                    refused("--advertise-addr", &format!("{name}: {problem}"))
                })?;
                let nothing = || refused("--advertise-addr", &format!("{name} is no address"));
                Some(found.next().ok_or_else(nothing)?)
            }
        };
        node.join = self.join.clone();
        node.quorum = self.quorum;
        node.allow_weak_quorum = self.allow_weak_quorum;
        node.hashing = self.hashing().map_err(Failure::Refused)?;
        node.virtual_nodes = self.virtual_nodes;
        node.zone = self.zone.clone();
        node.weight = self.weight;
        node.gather_timeout = self.gather_timeout.0;
        node.read_lease = self.read_lease.0;
        if let Some(path) = &self.cluster_key_file {
            let key = Secret::read(path, "--cluster-key-file")?;
            let protect = node.protect(key.as_bytes());
            protect.map_err(|problem| refused("--cluster-key-file", &problem))?;
        }
        if let (Some(ca), Some(cert), Some(key)) = (&self.tls_ca, &self.tls_cert, &self.tls_key) {
            let ca = Secret::read(ca, "--tls-ca")?;
            let cert = Secret::read(cert, "--tls-cert")?;
            let key = Secret::read(key, "--tls-key")?;
            let certificates =
                Certificates::from_pem(ca.as_bytes(), cert.as_bytes(), key.as_bytes());
            let certificates = certificates
                .map_err(|problem| refused("--tls-ca, --tls-cert, --tls-key", &problem))?;
            node.security = Security::Tls(certificates);
        }
        Ok(cluster)
    }

    /// The password of clients, if there is to be one.
    pub(super) fn password(&self) -> Result<Option<Secret>> {
        let path = self.password_file.as_deref();
        path.map(|path| Secret::read(path, "--password-file")).transpose()
    }

    /// Which store, as other commands have it.
    pub(super) fn store(&self) -> StoreArgs {
        StoreArgs {
            data_dir: Some(self.data_dir.clone()),
            backend: self.backend.as_deref().and_then(|name| name.parse().ok()),
            durability: Some(self.durability),
        }
    }

    /// All of it, for the log. Secrets are files, which are only named.
    pub(super) fn as_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Longest name of a node or a zone, in bytes.
const NAME_BYTES_MAX: usize = 255;

fn within(flag: &str, found: u32, least: u32, most: u32) -> Result<(), String> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(format!("{flag}: {found} isn't between {least} and {most}"))
    }
}

fn host_and_port(flag: &str, text: &str) -> Result<(), String> {
    let parts = text.rsplit_once(':');
    match parts.map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(_))) if !host.is_empty() => Ok(()),
        _ => Err(format!("{flag}: {text:?} isn't host:port")),
    }
}

/// What the machine is called, as far as that can be found out.
fn host_name() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "node".to_owned() } else { name.to_owned() }
}
