//! Who a node is.

use std::fmt;
use std::str::FromStr;

use kvs_core::env::Env;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// Names a node for as long as it keeps its disk: a UUID made when its data folder was. A node whose
/// disk was wiped is a new node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Uuid);

/// Names a cluster: a UUID made when it was founded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterId(Uuid);

/// How often a node has been started on its disk; of two processes that claim one identity the one
/// with the higher incarnation is right.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

macro_rules! uuid {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("A new ", $what, ".")]
            pub fn new(env: &Env) -> Self {
                let mut random = [0; 16];
                env.random.fill(&mut random);
                Self(Builder::from_random_bytes(random).into_uuid())
            }

            /// Its 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            #[doc = concat!("The ", $what, " with these bytes.")]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid!(NodeId, "node id");
uuid!(ClusterId, "cluster id");
