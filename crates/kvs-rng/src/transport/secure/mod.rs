//! Protection of connections: nobody else reads them, changes them, or poses as a node.

use kvs_core::env::net::BoxByteStream;
use thiserror::Error;

/// How connections are protected; the same on all nodes of a cluster.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Not at all: for loopback and for simulations.
    #[default]
    Plain,
}

impl Security {
    /// Secures a stream that was opened from here.
    pub async fn connecting(&self, stream: BoxByteStream) -> Result<BoxByteStream, SecureError> {
        match self {
            Self::Plain => Ok(stream),
        }
    }

    /// Secures a stream that was opened from elsewhere.
    pub async fn listening(&self, stream: BoxByteStream) -> Result<BoxByteStream, SecureError> {
        match self {
            Self::Plain => Ok(stream),
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
    /// The connection ended, or brought what has no place there.
    #[error("securing the connection: {0}")]
    Broken(String),
}
