//! How nodes introduce themselves, and whether two of them can work together.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Cause, HandshakeError, Refusal};
use crate::identity::{ClusterId, Incarnation, NodeId};
use crate::transport::frame::{Frame, Kind};

/// Longest cluster name, in bytes.
pub const CLUSTER_NAME_MAX: usize = 128;
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

impl Hello {
    pub(super) fn frame(&self) -> Result<Frame, HandshakeError> {
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
    pub(super) fn judge(&self, other: &Self) -> Result<Peer, Refusal> {
        let (us, them) = (self.node, other.node);
        let refusal = |cause, reason| Err(Refusal { cause, reason });
        if self.cluster_name != other.cluster_name {
            let (ours, theirs) = (&self.cluster_name, &other.cluster_name);
            let reason = format!("cluster name {ours:?} at node {us}, {theirs:?} at node {them}");
            return refusal(Cause::ClusterName, reason);
        }
        if us == them {
            let same = (self.incarnation, self.address) == (other.incarnation, other.address);
            if same {
                return refusal(Cause::Itself, format!("both sides are node {us} itself"));
            }
            let reason = format!(
                "node {us} at {} and at {}: one of the two has a copy of the other's data folder",
                self.address, other.address
            );
            return refusal(Cause::Copy, reason);
        }
        if let (Some(ours), Some(theirs)) = (self.cluster, other.cluster)
            && ours != theirs
        {
            let reason = format!(
                "node {us} is in cluster {ours}, node {them} in cluster {theirs}; was one of them \
                 started on an empty folder with nobody to join? Then it has founded a cluster of \
                 its own"
            );
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
