//! The bytes of a layout: tag, version and postcard, as every stored value has them
//! ([`kvs_core::codec`]).

use kvs_core::Value;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Layout, LayoutError, Member, Quorum, Table};
use crate::hash::Hashing;
use crate::identity::ClusterId;

/// The first version of the bytes. Frozen.
#[derive(Serialize, Deserialize)]
pub(super) struct LayoutV1 {
    cluster: ClusterId,
    name: String,
    version: u64,
    hashing: Hashing,
    virtual_nodes: u32,
    quorum: Quorum,
    /// Sorted by id.
    members: Vec<Member>,
    table: Table,
}

impl Layout {
    /// Its bytes; the same for the same layout.
    #[expect(
        clippy::expect_used,
        reason = "postcard refuses only what it can't know the length of"
    )]
    pub fn encode(&self) -> Vec<u8> {
        LayoutV1::from(self.clone()).to_bytes().expect("a layout has bytes")
    }

    /// Reads the bytes of a layout. Anything else is refused: another tag, a newer version, missing
    /// or left-over bytes, a table that doesn't go with the members.
    pub fn decode(bytes: &[u8]) -> Result<Self, LayoutError> {
        let refused = |error: kvs_core::DbaError| LayoutError::Decode { detail: error.to_string() };
        LayoutV1::from_bytes(bytes).map_err(refused)?.try_into()
    }

    /// A digest of its bytes, XXH3-64: tells whether two nodes mean the same by a version.
    pub fn digest(&self) -> u64 {
        xxh3_64(&self.encode())
    }
}

impl From<Layout> for LayoutV1 {
    fn from(layout: Layout) -> Self {
        let Layout { cluster, name, version, hashing, virtual_nodes, quorum, members, table } =
            layout;
        let members = members.into_values().collect();
        Self { cluster, name, version, hashing, virtual_nodes, quorum, members, table }
    }
}

impl TryFrom<LayoutV1> for Layout {
    type Error = LayoutError;

    fn try_from(bytes: LayoutV1) -> Result<Self, LayoutError> {
        let LayoutV1 { cluster, name, version, hashing, virtual_nodes, quorum, members, table } =
            bytes;
        let refused = |detail: &str| LayoutError::Decode { detail: detail.to_owned() };
        if !members.is_sorted_by(|a, b| a.id < b.id) {
            return Err(refused("its members are out of order"));
        }
        let members = members.into_iter().map(|member| (member.id, member)).collect();
        let layout =
            Self { cluster, name, version, hashing, virtual_nodes, quorum, members, table };
        layout.check()?;
        if layout.table.buckets() != hashing.buckets() as usize
            || layout.table.copies() != layout.copies()
            || !layout.table.nodes().iter().all(|node| layout.members.contains_key(node))
        {
            return Err(refused("its table doesn't go with its members, buckets and quorum"));
        }
        Ok(layout)
    }
}
