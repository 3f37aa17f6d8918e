//! Protection of connections: nobody else reads them, changes them, or poses as a node.
//!
//! With a cluster key ([`noise`]) a node is whoever holds the key; with certificates ([`tls`]) it is
//! whoever holds one of the cluster's authority. Which node it is, the handshake above says.

pub mod noise;
pub mod tls;

use kvs_core::env::net::BoxByteStream;
use thiserror::Error;

use noise::ClusterKeys;
use tls::Certificates;

/// How connections are protected; the same on all nodes of a cluster.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Not at all: for loopback and for simulations.
    #[default]
    Plain,
    /// By a key that all nodes share.
    Noise(ClusterKeys),
    /// By a certificate for each node.
    Tls(Certificates),
}

impl Security {
    /// Secures a stream that was opened from here. May take as long as the peer likes.
    pub async fn connecting(&self, stream: BoxByteStream) -> Result<BoxByteStream, SecureError> {
        match self {
            Self::Plain => Ok(stream),
            Self::Noise(keys) => keys.connecting(stream).await,
            Self::Tls(certificates) => certificates.connecting(stream).await,
        }
    }

    /// Secures a stream that was opened from elsewhere. May take as long as the peer likes.
    pub async fn listening(&self, stream: BoxByteStream) -> Result<BoxByteStream, SecureError> {
        match self {
            Self::Plain => Ok(stream),
            Self::Noise(keys) => keys.listening(stream).await,
            Self::Tls(certificates) => certificates.listening(stream).await,
        }
    }
}

/// A connection could not be secured; it is of no more use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecureError {
    /// The two sides hold different keys.
    #[error("the cluster key differs (or the peer is not a node)")]
    KeyDiffers,
    /// The peer does not begin as one with a cluster key does.
    #[error("the peer uses no cluster key (or is not a node)")]
    NoKey,
    /// The certificate of one side was not taken, or the peer speaks no TLS.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connection ended.
    #[error("the connection ended while it was being secured (the peer may use no key): {0}")]
    Ended(String),
}
