//! From partitions to buckets.
//!
//! A bucket is the unit of placement: every partition belongs to exactly one, and the layout says
//! which nodes hold it. The hash is XXH3-64 with seed 0, of which the high `hash_length` bits count;
//! multiplying them by the number of buckets and shifting the product back maps them to all buckets
//! in equal ranges, the high bits deciding (Lemire, *Fast Random Integer Generation in an Interval*,
//! 2019). Neighbouring hashes thus share a bucket, and a bucket is a range of hashes.
//!
//! ```
//! use kvs_rng::hash::{Bucket, Hashing};
//!
//! let hashing = Hashing::default();
//! assert_eq!(hashing.buckets(), 1024);
//! assert_eq!(hashing.bucket(b"user/42"), Bucket(835));
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// Fewest bits of the hash that may count.
pub const HASH_LENGTH_MIN: u8 = 8;
/// Most bits of the hash that may count: all it has.
pub const HASH_LENGTH_MAX: u8 = 64;
/// Most buckets a cluster may have.
pub const BUCKETS_MAX: u32 = 1 << 16;

/// Numbers a bucket, from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bucket(pub u32);

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How partitions map to buckets; fixed for a cluster's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Hashing {
    hash_length: u8,
    buckets: u32,
}

impl Hashing {
    /// Uses the high `hash_length` bits (8 to 64) of the hash and this many `buckets` (1 to 65,536,
    /// and at most 2^`hash_length`, or some bucket could never be hit).
    pub fn new(hash_length: u8, buckets: u32) -> Result<Self, HashingError> {
        if !(HASH_LENGTH_MIN..=HASH_LENGTH_MAX).contains(&hash_length) {
            return Err(HashingError::HashLength { hash_length });
        }
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            return Err(HashingError::Buckets { buckets });
        }
        if u128::from(buckets) > 1 << hash_length {
            return Err(HashingError::Unreachable { buckets, hash_length });
        }
        Ok(Self { hash_length, buckets })
    }

    /// How many bits of the hash count.
    pub fn hash_length(&self) -> u8 {
        self.hash_length
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> u32 {
        self.buckets
    }

    /// The bucket of a partition.
    pub fn bucket(&self, partition: &[u8]) -> Bucket {
        self.bucket_of_hash(xxh3_64(partition))
    }

    fn bucket_of_hash(&self, hash: u64) -> Bucket {
        let high = u128::from(hash >> (HASH_LENGTH_MAX - self.hash_length));
        let bucket = (high * u128::from(self.buckets)) >> self.hash_length;
        // Less than `buckets`, for `high` is less than 2^hash_length.
        Bucket(u32::try_from(bucket).unwrap_or(self.buckets - 1))
    }
}

impl Default for Hashing {
    /// 32 bits, 1024 buckets.
    fn default() -> Self {
        Self { hash_length: 32, buckets: 1024 }
    }
}

/// A hashing as it came from outside.
#[derive(Deserialize)]
struct Unchecked {
    hash_length: u8,
    buckets: u32,
}

impl TryFrom<Unchecked> for Hashing {
    type Error = HashingError;

    fn try_from(unchecked: Unchecked) -> Result<Self, HashingError> {
        Self::new(unchecked.hash_length, unchecked.buckets)
    }
}

/// Numbers that make no hashing. Nothing changed; final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HashingError {
    /// Too few or too many bits.
    #[error(
        "a hash length of {hash_length} bits is outside of {HASH_LENGTH_MIN} to {HASH_LENGTH_MAX}"
    )]
    HashLength {
        /// The bits asked for.
        hash_length: u8,
    },

    /// Too few or too many buckets.
    #[error("{buckets} buckets are outside of 1 to {BUCKETS_MAX}")]
    Buckets {
        /// The buckets asked for.
        buckets: u32,
    },

    /// More buckets than hashes.
    #[error("{hash_length} bits of hash can't tell {buckets} buckets apart")]
    Unreachable {
        /// The buckets asked for.
        buckets: u32,
        /// The bits asked for.
        hash_length: u8,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Where data lies depends on these: they never change.
    #[test]
    fn known_partitions_keep_their_buckets() {
        let cases: [(&[u8], u64, u32); 4] = [
            (b"", 0x2d06_8005_38d3_94c2, 180),
            (b"user/42", 0xd0c8_b567_05d1_a786, 835),
            (b"feed/arsenal", 0xd516_4cde_90ce_57c8, 852),
            (&[0xff; 1024], 0x91a9_afd3_ad9e_b82e, 582),
        ];
        for (partition, hash, bucket) in cases {
            assert_eq!(xxh3_64(partition), hash, "{} bytes", partition.len());
            assert_eq!(Hashing::default().bucket(partition), Bucket(bucket));
        }
        let longest = Hashing::new(64, 65_536).unwrap();
        assert_eq!(longest.bucket(b"user/42"), Bucket(0xd0c8));
    }

    #[test]
    fn the_high_bits_decide_and_every_bucket_is_used() {
        for (hash_length, buckets) in [(8, 1), (8, 256), (8, 200), (32, 1024), (64, 1000)] {
            let hashing = Hashing::new(hash_length, buckets).unwrap();
            assert_eq!(hashing.bucket_of_hash(0), Bucket(0));
            assert_eq!(hashing.bucket_of_hash(u64::MAX), Bucket(buckets - 1));
            let step = u64::MAX / (1 << 14);
            let hit: BTreeSet<_> = (0..1 << 14).map(|i| hashing.bucket_of_hash(i * step)).collect();
            assert_eq!(hit.len(), buckets as usize, "{hashing:?}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let cases = [
            (7, 1, "7 bits is outside of 8 to 64"),
            (65, 1, "65 bits"),
            (32, 0, "0 buckets are outside of 1 to 65536"),
            (32, 65_537, "65537 buckets"),
            (8, 257, "8 bits of hash can't tell 257 buckets apart"),
        ];
        for (hash_length, buckets, expected) in cases {
            let error = Hashing::new(hash_length, buckets).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            let bytes = postcard::to_stdvec(&(hash_length, buckets)).unwrap();
            assert!(postcard::from_bytes::<Hashing>(&bytes).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_partition_has_a_bucket(
            partition: Vec<u8>,
            hash_length in HASH_LENGTH_MIN..=HASH_LENGTH_MAX,
            buckets in 1..=256_u32,
        ) {
            let hashing = Hashing::new(hash_length, buckets).unwrap();
            prop_assert!(hashing.bucket(&partition).0 < buckets);
        }
    }
}
