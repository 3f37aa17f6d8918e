//! The handshake: who is who, and whether the two can work together.
//!
//! ```text
//! connecting side                      listening side
//!       │ ── Hello ─────────────────────────▶ │  judges
//!       │ ◀───────────────── Hello or Refuse ─│
//! judges│ ── Accept or Refuse ──────────────▶ │
//! ```
//! A side that refuses says why before it closes, so that the reason is in both logs. The body of a
//! hello is `"kvsR"`, the version of its layout (1), and [`Hello`] in postcard. That layout stays as it
//! is: what is new is told by `features` and by protocol versions.
//!
//! The protocol version agreed on is the highest that both speak; the features are those of both.

mod hello;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

pub use self::hello::{CLUSTER_NAME_MAX, Channel, Hello, Peer};
use super::connection::FrameReader;
use super::door::Door;
use super::frame::{Frame, FrameError, Kind};
use super::secure::SecureError;

/// Longest text of a refusal, in bytes.
pub const REFUSAL_MAX: usize = 1024;

/// Why two nodes can't work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Their cluster names differ.
    ClusterName,
    /// They are members of different clusters.
    Cluster,
    /// They have no protocol version in common.
    Protocol,
    /// A node met itself.
    Itself,
    /// Another process has the same id: one of the two has a copy of the other's data folder.
    Copy,
    /// The node has been started more often before: its data folder is an old copy.
    OldFolder,
    /// Something that this release doesn't know.
    Other(u16),
}

impl Cause {
    fn code(self) -> u16 {
        match self {
            Self::ClusterName => 1,
            Self::Cluster => 2,
            Self::Protocol => 3,
            Self::Itself => 4,
            Self::Copy => 5,
            Self::OldFolder => 6,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u16) -> Self {
        match code {
            1 => Self::ClusterName,
            2 => Self::Cluster,
            3 => Self::Protocol,
            4 => Self::Itself,
            5 => Self::Copy,
            6 => Self::OldFolder,
            _ => Self::Other(code),
        }
    }
}

/// The end of a handshake without a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, for programs.
    pub cause: Cause,
    /// Why, for people; names both sides.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A handshake failed; the connection was closed and nothing else happened.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// This node refused the other, and told it so.
    #[error("refused the peer: {0}")]
    Refused(Refusal),
    /// The other node refused this one.
    #[error("refused by the peer: {0}")]
    RefusedByPeer(Refusal),
    /// The connection could not be secured.
    #[error(transparent)]
    Secure(#[from] SecureError),
    /// What came is nothing that a node says.
    #[error("not a node of this system: {0}")]
    NotANode(String),
    /// The connection ended.
    #[error("the connection ended during the handshake: {0}")]
    Ended(String),
    /// It took too long.
    #[error("the handshake took longer than {0:?}")]
    Timeout(Duration),
}

impl From<FrameError> for HandshakeError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(_) | FrameError::Truncated => Self::Ended(error.to_string()),
            _ => Self::NotANode(error.to_string()),
        }
    }
}

/// The connecting side.
pub(super) async fn connecting<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut FrameReader<R>,
    writer: &mut W,
    us: &Hello,
    door: Option<&dyn Door>,
) -> Result<Peer, HandshakeError> {
    let sent = send(writer, &us.frame()?).await;
    // If sending failed, what can still be read says better why.
    let answer = expect(reader, Kind::Hello).await?;
    sent?;
    let them = Hello::decode(&answer.body)?;
    match judged(us, &them, door).await {
        Ok(peer) => {
            send(writer, &Frame::bare(Kind::Accept)).await?;
            Ok(peer)
        }
        Err(refusal) => refuse(writer, refusal).await,
    }
}

/// The listening side.
pub(super) async fn listening<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut FrameReader<R>,
    writer: &mut W,
    us: Hello,
    door: Option<&dyn Door>,
) -> Result<Peer, HandshakeError> {
    let them = Hello::decode(&expect(reader, Kind::Hello).await?.body)?;
    let us = Hello { channel: them.channel, ..us };
    match judged(&us, &them, door).await {
        Ok(peer) => {
            send(writer, &us.frame()?).await?;
            expect(reader, Kind::Accept).await?;
            Ok(peer)
        }
        Err(refusal) => refuse(writer, refusal).await,
    }
}

/// Whether this node can work with the one that said `them`, and wants to.
async fn judged(us: &Hello, them: &Hello, door: Option<&dyn Door>) -> Result<Peer, Refusal> {
    let peer = us.judge(them)?;
    if let Some(door) = door {
        door.let_in(&peer).await?;
    }
    Ok(peer)
}

/// Says why before the connection is closed.
pub(super) async fn refuse<T, W: AsyncWrite + Unpin>(
    writer: &mut W,
    refusal: Refusal,
) -> Result<T, HandshakeError> {
    let mut body = refusal.reason.clone().into_bytes();
    body.truncate(REFUSAL_MAX);
    let frame = Frame { code: refusal.cause.code(), body, ..Frame::bare(Kind::Refuse) };
    // If it can't be told it is refused all the same.
    if send(writer, &frame).await.is_ok() {
        writer.shutdown().await.ok();
    }
    Err(HandshakeError::Refused(refusal))
}

async fn send<W: AsyncWrite + Unpin>(writer: &mut W, frame: &Frame) -> Result<(), HandshakeError> {
    let mut bytes = Vec::with_capacity(frame.wire_len());
    frame.encode(&mut bytes);
    let sent = async {
        writer.write_all(&bytes).await?;
        writer.flush().await
    };
    sent.await.map_err(|error| HandshakeError::Ended(error.to_string()))
}

async fn expect<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
    kind: Kind,
) -> Result<Frame, HandshakeError> {
    match reader.next().await? {
        Some(frame) if frame.kind == kind => Ok(frame),
        Some(frame) if frame.kind == Kind::Refuse => {
            let cause = Cause::from_code(frame.code);
            let reason = text(&frame.body, REFUSAL_MAX);
            Err(HandshakeError::RefusedByPeer(Refusal { cause, reason }))
        }
        Some(frame) => Err(FrameError::Unexpected(frame.kind).into()),
        None => Err(HandshakeError::Ended("the peer closed it".to_owned())),
    }
}

/// Text from outside, fit for a log: at most `max` bytes, one line.
pub(super) fn text(bytes: &[u8], max: usize) -> String {
    let bytes = bytes.get(..max).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).replace(char::is_control, " ")
}
