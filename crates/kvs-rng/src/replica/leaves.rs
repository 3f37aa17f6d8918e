//! The digests of a bucket.

use serde::{Deserialize, Serialize};

/// How many leaves a bucket has: one for each value of a byte.
pub const LEAVES: usize = 256;

/// The digests of a bucket: for each leaf the wrapping sum of its keys' digests.
///
/// Replicas that hold the same have the same leaves, whatever the order in which they came to it;
/// replicas that don't differ in a leaf but for one chance in 2^64. Takes 2 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Leaves {
    sums: Box<[u64; LEAVES]>,
}

impl Leaves {
    /// The sum of `leaf`.
    #[expect(clippy::indexing_slicing, reason = "there is a leaf for each value of a byte")]
    pub fn sum(&self, leaf: u8) -> u64 {
        self.sums[usize::from(leaf)]
    }

    /// All sums, by leaf.
    pub fn sums(&self) -> &[u64; LEAVES] {
        &self.sums
    }

    /// The leaves in which the two differ, in ascending order.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u8> + 'a {
        (0..=u8::MAX).filter(|leaf| self.sum(*leaf) != other.sum(*leaf))
    }

    #[expect(clippy::indexing_slicing, reason = "there is a leaf for each value of a byte")]
    pub(super) fn set(&mut self, leaf: u8, sum: u64) {
        self.sums[usize::from(leaf)] = sum;
    }
}

/// The leaves of an empty bucket.
impl Default for Leaves {
    fn default() -> Self {
        Self { sums: Box::new([0; LEAVES]) }
    }
}

impl From<Leaves> for Vec<u64> {
    fn from(leaves: Leaves) -> Self {
        leaves.sums.to_vec()
    }
}

impl TryFrom<Vec<u64>> for Leaves {
    type Error = String;

    fn try_from(sums: Vec<u64>) -> Result<Self, String> {
        let sums: Box<[u64; LEAVES]> = sums
            .try_into()
            .map_err(|sums: Vec<u64>| format!("{} leaves instead of {LEAVES}", sums.len()))?;
        Ok(Self { sums })
    }
}
