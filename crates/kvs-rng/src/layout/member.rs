//! A node as the layout knows it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::LayoutError;
use crate::identity::NodeId;

/// Longest name of a cluster, a node or a zone, in bytes.
pub const NAME_LEN_MAX: usize = 255;
/// The weight of an ordinary node.
pub const WEIGHT_DEFAULT: u32 = 100;
/// The greatest weight.
pub const WEIGHT_MAX: u32 = 1000;

/// A node as the layout knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who it is.
    pub id: NodeId,
    /// For people; 1 to 255 bytes, not necessarily unique.
    pub name: String,
    /// What its peers connect to.
    pub address: SocketAddr,
    /// What it shares a fate with: a rack, a room, a region. The replicas of a bucket are spread over
    /// as many zones as possible. At most 255 bytes; nodes with an empty one make one zone together.
    pub zone: String,
    /// How much it holds compared with others, 1 to 1000; 100 is ordinary.
    pub weight: u32,
}

impl Member {
    /// A node of ordinary weight, in no zone.
    pub fn new(id: NodeId, name: impl Into<String>, address: SocketAddr) -> Self {
        Self { id, name: name.into(), address, zone: String::new(), weight: WEIGHT_DEFAULT }
    }

    /// Whether it can be in a layout.
    pub(super) fn check(&self) -> Result<(), LayoutError> {
        let problem = if self.name.is_empty() || self.name.len() > NAME_LEN_MAX {
            "its name must have 1 to 255 bytes"
        } else if self.zone.len() > NAME_LEN_MAX {
            "its zone may have at most 255 bytes"
        } else if !(1..=WEIGHT_MAX).contains(&self.weight) {
            "its weight must be 1 to 1000"
        } else if self.address.port() == 0 || self.address.ip().is_unspecified() {
            "its address is none that others could connect to"
        } else if matches!(self.address, SocketAddr::V6(v6) if v6.scope_id() | v6.flowinfo() != 0) {
            "its address has a scope, which means something else on every node"
        } else {
            return Ok(());
        };
        Err(LayoutError::Member { id: self.id, address: self.address, problem })
    }
}
