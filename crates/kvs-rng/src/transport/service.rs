//! What a node does for others.

use async_trait::async_trait;
use thiserror::Error;

use super::handshake::Peer;

/// Answers requests.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Runs one request of `from`. Calls run concurrently, each in a task of its own once it has to
    /// wait; one whose connection ends is dropped where it waits.
    async fn call(&self, from: &Peer, method: u16, body: Vec<u8>) -> Result<Vec<u8>, Fault>;
}

/// A request was run and failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message} (fault {code})")]
pub struct Fault {
    /// What failed, for programs. Codes from [`Fault::RESERVED`] on belong to the transport.
    pub code: u16,
    /// What failed, for people. Cut off at [`Fault::MESSAGE_MAX`] bytes on the wire.
    pub message: String,
}

impl Fault {
    /// Codes from here on are the transport's own.
    pub const RESERVED: u16 = 0xFFF0;
    /// The answer was larger than a frame.
    pub const ANSWER_TOO_LARGE: u16 = 0xFFF0;
    /// The service panicked.
    pub const PANICKED: u16 = 0xFFF1;
    /// Longest message, in bytes.
    pub const MESSAGE_MAX: usize = 4 << 10;

    /// A fault.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
