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

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::connection::FrameReader;
use super::frame::{Frame, FrameError, Kind};
use super::secure::SecureError;
use crate::identity::{ClusterId, Incarnation, NodeId};

/// Longest cluster name, in bytes.
pub const CLUSTER_NAME_MAX: usize = 128;
/// Longest text of a refusal, in bytes.
pub const REFUSAL_MAX: usize = 1024;
const MAGIC: &[u8; 4] = b"kvsR";
const LAYOUT: u8 = 1;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Small requests that somebody waits for.
    Control,
    /// Transfers of data.
    Bulk,
}

/// How a node introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The lowest protocol version it speaks.
    pub protocol_min: u16,
    /// The highest protocol version it speaks.
    pub protocol_max: u16,
    /// What it can do, a bit each.
    pub features: u64,
    /// Its cluster's name.
    pub cluster_name: String,
    /// Its cluster, if it is a member of one already.
    pub cluster: Option<ClusterId>,
    /// Who it is.
    pub node: NodeId,
    /// How often it was started.
    pub incarnation: Incarnation,
    /// Where it can be reached.
    pub address: SocketAddr,
    /// What the connection is for; the connecting side says so, the other repeats it.
    pub channel: Channel,
}

/// Who is at the other end of a connection, and what was agreed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Who it is.
    pub node: NodeId,
    /// How often it was started.
    pub incarnation: Incarnation,
    /// Where it says that it can be reached.
    pub address: SocketAddr,
    /// Its cluster, as it was when the connection was made; `None` if it was not a member yet.
    pub cluster: Option<ClusterId>,
    /// The protocol version of the connection.
    pub protocol: u16,
    /// What both sides can do.
    pub features: u64,
    /// What the connection is for.
    pub channel: Channel,
}

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
    /// They have the same id: a node met itself or a copy of its data folder.
    Itself,
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
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u16) -> Self {
        match code {
            1 => Self::ClusterName,
            2 => Self::Cluster,
            3 => Self::Protocol,
            4 => Self::Itself,
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

impl Hello {
    fn frame(&self) -> Result<Frame, HandshakeError> {
        let mut body = MAGIC.to_vec();
        body.push(LAYOUT);
        let body = postcard::to_extend(self, body)
            .map_err(|error| HandshakeError::NotANode(format!("own hello: {error}")))?;
        Ok(Frame { body, ..Frame::bare(Kind::Hello) })
    }

    /// Reads the body of a hello frame, exactly.
    pub fn decode(body: &[u8]) -> Result<Self, HandshakeError> {
        let error = |what: String| Err(HandshakeError::NotANode(what));
        let Some((layout, rest)) = body.strip_prefix(MAGIC).and_then(|rest| rest.split_first())
        else {
            return error("its hello begins with other bytes".to_owned());
        };
        if *layout != LAYOUT {
            return error(format!(
                "its hello has the layout {layout}, this release knows {LAYOUT}"
            ));
        }
        match postcard::take_from_bytes::<Self>(rest) {
            Ok((_, [_, ..])) => error("its hello has trailing bytes".to_owned()),
            Ok((hello, [])) if hello.cluster_name.len() > CLUSTER_NAME_MAX => {
                error(format!("its cluster name has {} bytes", hello.cluster_name.len()))
            }
            Ok((hello, [])) => Ok(hello),
            Err(problem) => error(format!("its hello: {problem}")),
        }
    }

    /// Whether this node can work with `other`, and on what terms.
    fn judge(&self, other: &Self) -> Result<Peer, Refusal> {
        let (us, them) = (self.node, other.node);
        let refusal = |cause, reason| Err(Refusal { cause, reason });
        if self.cluster_name != other.cluster_name {
            let (ours, theirs) = (&self.cluster_name, &other.cluster_name);
            let reason = format!("cluster name {ours:?} at node {us}, {theirs:?} at node {them}");
            return refusal(Cause::ClusterName, reason);
        }
        if us == them {
            let reason = format!("both sides are node {us}: itself, or a copy of its data folder");
            return refusal(Cause::Itself, reason);
        }
        if let (Some(ours), Some(theirs)) = (self.cluster, other.cluster)
            && ours != theirs
        {
            let reason = format!("node {us} is in cluster {ours}, node {them} in cluster {theirs}");
            return refusal(Cause::Cluster, reason);
        }
        let protocol = self.protocol_max.min(other.protocol_max);
        if protocol < self.protocol_min.max(other.protocol_min) {
            let speaks = |hello: &Self| {
                let Self { node, protocol_min, protocol_max, .. } = hello;
                format!("node {node} speaks protocol versions {protocol_min} to {protocol_max}")
            };
            return refusal(Cause::Protocol, format!("{}, {}", speaks(self), speaks(other)));
        }
        Ok(Peer {
            node: them,
            incarnation: other.incarnation,
            address: other.address,
            cluster: other.cluster,
            protocol,
            features: self.features & other.features,
            channel: other.channel,
        })
    }
}

/// The connecting side.
pub(super) async fn connecting<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut FrameReader<R>,
    writer: &mut W,
    us: &Hello,
) -> Result<Peer, HandshakeError> {
    let sent = send(writer, &us.frame()?).await;
    // If sending failed, what can still be read says better why.
    let answer = expect(reader, Kind::Hello).await?;
    sent?;
    let them = Hello::decode(&answer.body)?;
    match us.judge(&them) {
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
) -> Result<Peer, HandshakeError> {
    let them = Hello::decode(&expect(reader, Kind::Hello).await?.body)?;
    let us = Hello { channel: them.channel, ..us };
    match us.judge(&them) {
        Ok(peer) => {
            send(writer, &us.frame()?).await?;
            expect(reader, Kind::Accept).await?;
            Ok(peer)
        }
        Err(refusal) => refuse(writer, refusal).await,
    }
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

#[cfg(test)]
mod tests {
    use tokio::io::{duplex, split};

    use super::*;

    fn hello(node: u8) -> Hello {
        Hello {
            protocol_min: 1,
            protocol_max: 2,
            features: 5,
            cluster_name: "test".to_owned(),
            cluster: Some(ClusterId::from_bytes([9; 16])),
            node: NodeId::from_bytes([node; 16]),
            incarnation: Incarnation(3),
            address: "10.0.0.1:4343".parse().unwrap(),
            channel: Channel::Bulk,
        }
    }

    async fn meet(
        us: Hello,
        them: Hello,
    ) -> (Result<Peer, HandshakeError>, Result<Peer, HandshakeError>) {
        let (one, other) = duplex(1 << 10);
        let (one, other) = (split(one), split(other));
        let (mut reader, mut far_reader) = (FrameReader::new(one.0), FrameReader::new(other.0));
        let (mut writer, mut far_writer) = (one.1, other.1);
        tokio::join!(
            connecting(&mut reader, &mut writer, &us),
            listening(&mut far_reader, &mut far_writer, them),
        )
    }

    #[tokio::test]
    async fn both_sides_learn_who_the_other_is() {
        let there = Hello { protocol_max: 7, channel: Channel::Control, ..hello(2) };
        let (one, other) = meet(hello(1), there).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.node, one.protocol, one.channel), (hello(2).node, 2, Channel::Bulk));
        assert_eq!((other.node, other.protocol, other.channel), (hello(1).node, 2, Channel::Bulk));
    }

    #[tokio::test]
    async fn both_sides_have_the_reason_of_a_refusal() {
        let others = [
            (Cause::ClusterName, Hello { cluster_name: "prod".to_owned(), ..hello(2) }),
            (Cause::Cluster, Hello { cluster: Some(ClusterId::from_bytes([8; 16])), ..hello(2) }),
            (Cause::Protocol, Hello { protocol_min: 3, protocol_max: 4, ..hello(2) }),
            (Cause::Itself, hello(1)),
        ];
        for (cause, them) in others {
            let HandshakeError::RefusedByPeer(told) =
                meet(hello(1), them.clone()).await.0.unwrap_err()
            else {
                panic!("{cause:?}")
            };
            let HandshakeError::Refused(said) = meet(hello(1), them).await.1.unwrap_err() else {
                panic!("{cause:?}")
            };
            assert_eq!(told, said);
            assert_eq!(told.cause, cause);
        }
    }

    #[tokio::test]
    async fn a_connecting_side_that_refuses_says_why() {
        // A listening side that is content with everybody.
        let (one, other) = duplex(1 << 10);
        let (one, mut other) = (split(one), split(other));
        let (mut reader, mut writer) = (FrameReader::new(one.0), one.1);
        let them = Hello { cluster_name: "prod".to_owned(), ..hello(2) };
        let mut far_reader = FrameReader::new(other.0);
        let us = hello(1);
        let far = async {
            expect(&mut far_reader, Kind::Hello).await.unwrap();
            send(&mut other.1, &them.frame().unwrap()).await.unwrap();
            expect(&mut far_reader, Kind::Accept).await.unwrap_err()
        };
        let (near, far) = tokio::join!(connecting(&mut reader, &mut writer, &us), far);
        let (HandshakeError::Refused(said), HandshakeError::RefusedByPeer(told)) =
            (near.unwrap_err(), far)
        else {
            panic!()
        };
        assert_eq!(said, told);
    }

    #[test]
    fn hellos_are_read_exactly() {
        let body = hello(1).frame().unwrap().body;
        assert_eq!(Hello::decode(&body).unwrap(), hello(1));
        for length in 0..body.len() {
            assert!(Hello::decode(&body[..length]).is_err(), "{length}");
        }
        assert!(Hello::decode(&[&body[..], &[0]].concat()).is_err());
        let long = Hello { cluster_name: "n".repeat(CLUSTER_NAME_MAX + 1), ..hello(1) };
        assert!(Hello::decode(&long.frame().unwrap().body).is_err());
    }

    #[test]
    fn the_layout_of_a_hello_is_fixed() {
        let mut bytes = b"kvsR\x01".to_vec();
        bytes.extend([1, 2, 5, 4]);
        bytes.extend(b"test");
        bytes.extend([1, 16]);
        bytes.extend([9; 16]);
        bytes.push(16);
        bytes.extend([1; 16]);
        bytes.push(3);
        // IPv4, 10.0.0.1, port 4343, bulk.
        bytes.extend([0, 10, 0, 0, 1, 0xF7, 0x21, 1]);
        assert_eq!(hello(1).frame().unwrap().body, bytes);
    }

    #[test]
    fn fuzz_any_bytes_are_a_hello_or_an_error() {
        bolero::check!().for_each(|input: &[u8]| {
            let mut body = b"kvsR\x01".to_vec();
            body.extend_from_slice(input);
            for body in [input, &body] {
                if let Ok(hello) = Hello::decode(body) {
                    let again = hello.frame().unwrap().body;
                    assert_eq!(Hello::decode(&again).unwrap(), hello);
                }
            }
        });
    }

    #[test]
    fn text_from_outside_is_one_short_line() {
        assert_eq!(text(b"a\nb\x1b[31m", 100), "a b [31m");
        assert_eq!(text("\u{e9}\u{e9}".as_bytes(), 3), "\u{e9}\u{fffd}");
    }
}
