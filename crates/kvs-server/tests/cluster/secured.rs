//! Clusters whose nodes know each other by a key or by certificates.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::load::Load;

/// The name in the certificate of every node.
const NODES: &str = "kvs";

fn serves(mut cluster: Cluster) {
    let load = Load::start(2, &cluster.doors());
    load.goes_on(50);
    cluster[1].kill();
    load.goes_on(50);
    cluster[1].start();
    cluster.wait_for_all();
    load.goes_on(50);
    load.stop().is_read_through(&cluster.doors());
    cluster.is_unharmed();
}

#[test]
fn with_a_key() {
    let folder = TempDir::new().unwrap();
    let key = write(folder.path(), "key", "the key of this cluster\n");
    serves(Cluster::start_with(folder, 3, |_, _| {
        vec!["--cluster-key-file".to_owned(), key.clone()]
    }));
}

#[test]
fn with_certificates() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let folder = TempDir::new().unwrap();
    let ca = write(folder.path(), "ca.pem", &authority.pem());
    let key = write(folder.path(), "key", "the key of this cluster\n");
    serves(Cluster::start_with(folder, 3, |folder, n| {
        let own = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NODES.to_owned()]).unwrap();
        let certificate = params.signed_by(&own, &authority).unwrap();
        let cert = write(folder, &format!("{n}.pem"), &certificate.pem());
        let own = write(folder, &format!("{n}.key"), &own.serialize_pem());
        // The key protects the gossip, which has no connections.
        ["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &own, "--cluster-key-file", &key]
            .map(str::to_owned)
            .into()
    }));
}

pub(crate) fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
