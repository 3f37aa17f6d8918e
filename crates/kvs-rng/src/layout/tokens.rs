//! Consistent hashing: how close a node is to a bucket.

use xxhash_rust::xxh3::xxh3_64;

use super::member::WEIGHT_DEFAULT;
use super::{Member, NodeId};

/// A node's places on the circle of 64-bit hashes, sorted; they depend on its id alone, and their
/// number on its weight.
pub(super) struct Tokens(Vec<u64>);

impl Tokens {
    pub(super) fn of(member: &Member, virtual_nodes: u32) -> Self {
        let count = (virtual_nodes * member.weight / WEIGHT_DEFAULT).max(1);
        let mut tokens: Vec<_> = (0..count).map(|number| token(member.id, number)).collect();
        tokens.sort_unstable();
        Self(tokens)
    }

    /// The way from the place of a bucket to the next token. The nodes of a ring in order of it are
    /// what one meets on a walk from there.
    pub(super) fn distance(&self, bucket: usize, buckets: usize) -> u64 {
        let place = ((bucket as u128) << 64) / buckets.max(1) as u128;
        let place = place as u64;
        let next = self.0.partition_point(|token| *token < place);
        let token = self.0.get(next).or(self.0.first());
        token.map_or(u64::MAX, |token| token.wrapping_sub(place))
    }
}

fn token(node: NodeId, number: u32) -> u64 {
    let mut bytes = [0; 20];
    let (id, count) = bytes.split_at_mut(16);
    id.copy_from_slice(node.as_bytes());
    count.copy_from_slice(&number.to_le_bytes());
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_go_around_the_circle() {
        let quarter = 1 << 62;
        let tokens = Tokens(vec![quarter - 1, quarter, 2 * quarter]);
        let distances: Vec<_> = (0..4).map(|bucket| tokens.distance(bucket, 4)).collect();
        assert_eq!(distances, [quarter - 1, 0, 0, 2 * quarter - 1]);
    }

    #[test]
    fn tokens_come_from_the_id_and_their_number_from_the_weight() {
        let id = NodeId::from_bytes([7; 16]);
        let member = |name: &str, address: &str, weight| Member {
            weight,
            ..Member::new(id, name, address.parse().unwrap())
        };
        let tokens = Tokens::of(&member("a", "127.0.0.1:1", 100), 128).0;
        assert_eq!(tokens.len(), 128);
        assert_eq!(tokens, Tokens::of(&member("b", "[::1]:2", 100), 128).0);
        let heavy = Tokens::of(&member("a", "127.0.0.1:1", 250), 128).0;
        assert_eq!(heavy.len(), 320);
        assert!(tokens.iter().all(|token| heavy.contains(token)));
        assert_eq!(Tokens::of(&member("a", "127.0.0.1:1", 1), 8).0.len(), 1);
    }
}
