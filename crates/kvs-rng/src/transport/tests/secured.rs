//! Nodes with keys and certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::refusals::handshake_error;
use super::*;
use crate::transport::handshake::HandshakeError;
use crate::transport::secure::noise::ClusterKeys;
use crate::transport::secure::tls::{Certificates, SERVER_NAME};
use crate::transport::secure::{SecureError, Security};

async fn node(security: Security) -> Node {
    let mut config = config();
    config.security = security;
    Node::with(config).await
}

fn key(key: &str) -> Security {
    Security::Noise(ClusterKeys::new([key]).unwrap())
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate of this authority, for a node that trusts `trusted`.
    fn certificates(&self, name: &str, trusted: &Authority) -> Security {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let (authority, own, key) = (trusted.0.pem(), certificate.pem(), key.serialize_pem());
        let parsed =
            Certificates::from_pem(authority.as_bytes(), own.as_bytes(), key.as_bytes()).unwrap();
        Security::Tls(parsed)
    }
}

async fn works(a: &Node, b: &Node) {
    for size in [0, 100, 70_000, 3 << 20] {
        let body: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        assert!(a.ask(b, ECHO, &body).await.unwrap() == body, "{size}");
    }
    let many =
        (0..200u8).map(|i| async move { assert_eq!(a.ask(b, ECHO, &[i]).await.unwrap(), [i]) });
    futures_util::future::join_all(many).await;
}

async fn refused(a: &Node, b: &Node) -> HandshakeError {
    let error = a.ask(b, ECHO, b"").await.unwrap_err();
    assert!(!error.was_sent());
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 0);
    handshake_error(error)
}

#[tokio::test]
async fn nodes_with_one_key_work_together() {
    let (a, b) =
        (node(key("the key of the cluster")).await, node(key("the key of the cluster")).await);
    works(&a, &b).await;
}

#[tokio::test]
async fn a_node_with_another_key_is_refused() {
    let (a, b) =
        (node(key("the key of the cluster")).await, node(key("the key of a stranger")).await);
    let error = refused(&a, &b).await;
    assert!(matches!(error, HandshakeError::Secure(SecureError::KeyDiffers)), "{error}");
    let c = node(key("the key of the cluster")).await;
    works(&a, &c).await;
}

#[tokio::test]
async fn a_node_without_a_key_is_refused() {
    let (a, b) = (node(key("the key of the cluster")).await, node(Security::Plain).await);
    refused(&a, &b).await;
    refused(&b, &a).await;
}

#[tokio::test]
async fn nodes_with_certificates_work_together() {
    let authority = Authority::new();
    let a = node(authority.certificates(SERVER_NAME, &authority)).await;
    let b = node(authority.certificates(SERVER_NAME, &authority)).await;
    works(&a, &b).await;
}

#[tokio::test]
async fn certificates_of_strangers_are_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let listening = node(ours.certificates(SERVER_NAME, &ours)).await;
    // It trusts nobody here.
    let stranger = node(theirs.certificates(SERVER_NAME, &theirs)).await;
    refused(&stranger, &listening).await;
    // It trusts us, but we don't trust it; the listening side says so.
    let impostor = node(theirs.certificates(SERVER_NAME, &ours)).await;
    let error = refused(&impostor, &listening).await;
    assert!(error.to_string().contains("alert"), "{error}");
    // A certificate for something else.
    let other = node(ours.certificates("elsewhere", &ours)).await;
    let member = node(ours.certificates(SERVER_NAME, &ours)).await;
    refused(&member, &other).await;
}

#[test]
fn certificates_are_checked() {
    let error = Certificates::from_pem(b"nothing", b"", b"").unwrap_err();
    assert_eq!(error.what, "authority");
}
