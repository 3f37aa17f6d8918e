//! Mutual TLS: each node has a certificate of the cluster's authority.
//!
//! Whoever has a certificate of that authority is a node. The certificates must be valid for the DNS
//! name [`SERVER_NAME`] (nodes come and go with their addresses, so that addresses in certificates
//! would say little), and for authenticating both servers and clients.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::net::BoxByteStream;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::SecureError;

/// The DNS name in the certificate of every node.
pub const SERVER_NAME: &str = "kvs";

/// How long a refused peer has to take the reason.
const LINGER: Duration = Duration::from_millis(500);
/// How much more of what a refused peer says is thrown away, in bytes.
const LINGER_BYTES: u64 = 64 << 10;

/// The certificates of a node.
#[derive(Clone)]
pub struct Certificates {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Certificates {
    /// From PEM: the certificates of the authority (one or more, for rotation), this node's own with
    /// those between it and the authority, and its private key.
    pub fn from_pem(authority: &[u8], chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("authority", authority)? {
            roots.add(certificate).map_err(|error| problem("authority", error))?;
        }
        let roots = Arc::new(roots);
        let chain = certificates("certificate", chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| problem("key", error))?;
        let provider = Arc::new(ring::default_provider());
        let wrong = |error| problem("certificate", error);
        let client = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(wrong)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| problem("authority", error))?;
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(wrong)?;
        Ok(Self { client: Arc::new(client), server: Arc::new(server) })
    }

    pub(super) async fn connecting(
        &self,
        stream: BoxByteStream,
    ) -> Result<BoxByteStream, SecureError> {
        let name = ServerName::try_from(SERVER_NAME).map_err(tls)?;
        let connector = TlsConnector::from(self.client.clone());
        Ok(Box::new(connector.connect(name, stream).await.map_err(tls)?))
    }

    pub(super) async fn listening(
        &self,
        stream: BoxByteStream,
    ) -> Result<BoxByteStream, SecureError> {
        let accept = TlsAcceptor::from(self.server.clone()).accept(stream).into_fallible();
        match accept.await {
            Ok(stream) => Ok(Box::new(stream)),
            Err((error, stream)) => {
                linger(stream).await;
                Err(tls(error))
            }
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

/// Lets the peer read why it is refused. Closing with bytes unread would reset the connection and
/// take the reason, which is on its way, back.
async fn linger(mut stream: BoxByteStream) {
    let drain = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    timeout(LINGER, drain).await.ok();
}

/// Certificates can't be used; final.
#[derive(Clone, Debug, Error)]
#[error("TLS {what}: {problem}")]
pub struct CertificateError {
    /// Which part: `authority`, `certificate` or `key`.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

fn problem(what: &'static str, problem: impl ToString) -> CertificateError {
    CertificateError { what, problem: problem.to_string() }
}

fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| problem(what, error))?;
    if found.is_empty() {
        return Err(problem(what, "no certificate in the PEM"));
    }
    Ok(found)
}

fn tls(error: impl ToString) -> SecureError {
    SecureError::Tls(error.to_string())
}
