//! Fair shares as whole numbers.
//!
//! How many of a number of equal things does each of several nodes get? The method of Sainte-Laguë,
//! known from dividing the seats of a parliament among parties, gives them out one by one, always to
//! the one with the largest *weight / (2 × things it has + 1)*. Each gets its fair share rounded up
//! or down, nearly always; and when a node comes nobody else gains, when one goes nobody else loses.
//! So nothing has to move between the nodes that stay.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What a node brings to the division.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) weight: u32,
    /// The number of its zone, counted from 0 without gaps.
    pub(super) zone: usize,
    /// What it has now. Decides ties, so that nothing moves for nothing.
    pub(super) has: usize,
    /// The most it can take.
    pub(super) most: usize,
}

/// Divides the copies of buckets: each bucket has `copies` of them on distinct nodes, in as many
/// zones as possible, and a zone or node may have to take more or less than by weight because of
/// that.
pub(super) fn copies(buckets: usize, copies: usize, claims: &[Claim]) -> Vec<usize> {
    let zones = claims.iter().map(|claim| claim.zone + 1).max().unwrap_or_default();
    let mut division = Division::new(claims);
    if copies >= zones {
        // Every bucket is in every zone.
        for zone in 0..zones {
            division.give(buckets, usize::MAX, |claim| claim.zone == zone);
        }
        division.give(buckets * (copies - zones), usize::MAX, |_| true);
    } else {
        division.give(buckets * copies, buckets, |_| true);
    }
    division.given
}

/// Divides `total` things by weight alone.
pub(super) fn by_weight(total: usize, claims: &[Claim]) -> Vec<usize> {
    let mut division = Division::new(claims);
    division.give(total, usize::MAX, |_| true);
    division.given
}

struct Division<'a> {
    claims: &'a [Claim],
    given: Vec<usize>,
}

impl<'a> Division<'a> {
    fn new(claims: &'a [Claim]) -> Self {
        Self { claims, given: vec![0; claims.len()] }
    }

    /// Gives `total` things to the nodes that are `eligible`, at most `zone_most` in a zone; fewer if
    /// nobody can take more.
    fn give(&mut self, total: usize, zone_most: usize, eligible: impl Fn(&Claim) -> bool) {
        let zones = self.claims.iter().map(|claim| claim.zone + 1).max().unwrap_or_default();
        let mut zone_given = vec![0; zones];
        let claims = self.claims.iter().zip(&self.given).enumerate();
        let mut turns: BinaryHeap<_> = claims
            .filter(|(_, (claim, given))| eligible(claim) && **given < claim.most)
            .map(|(node, (claim, given))| Turn { claim: *claim, given: *given, node })
            .collect();
        let mut left = total;
        while left > 0
            && let Some(mut turn) = turns.pop()
        {
            let Some(zone) = zone_given.get_mut(turn.claim.zone).filter(|zone| **zone < zone_most)
            else {
                continue;
            };
            *zone += 1;
            left -= 1;
            turn.given += 1;
            if let Some(given) = self.given.get_mut(turn.node) {
                *given = turn.given;
            }
            if turn.given < turn.claim.most {
                turns.push(turn);
            }
        }
    }
}

/// A node that waits for its turn.
struct Turn {
    claim: Claim,
    given: usize,
    node: usize,
}

impl Turn {
    /// Whether what it would get is something it has already.
    fn has_it(&self) -> bool {
        self.claim.has > self.given
    }
}

impl Ord for Turn {
    /// The greatest is next.
    fn cmp(&self, other: &Self) -> Ordering {
        let scaled =
            |turn: &Self, by: &Self| u64::from(turn.claim.weight) * (2 * by.given as u64 + 1);
        scaled(self, other)
            .cmp(&scaled(other, self))
            .then(self.has_it().cmp(&other.has_it()))
            .then(self.claim.has.cmp(&other.claim.has))
            .then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Turn {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(weight: u32, zone: usize) -> Claim {
        Claim { weight, zone, has: 0, most: 12 }
    }

    proptest! {
        /// What was divided once stays as it is, however ties were decided then.
        #[test]
        fn a_division_is_its_own_division(
            nodes in prop::collection::vec((prop_oneof![Just(100_u32), 1..=300_u32], 0..64_usize), 1..6),
            total in 0..200_usize,
        ) {
            let claim = |(weight, has)| Claim { has, most: usize::MAX, ..claim(weight, 0) };
            let first = by_weight(total, &nodes.iter().copied().map(claim).collect::<Vec<_>>());
            let nodes = nodes.iter().zip(&first).map(|((weight, _), has)| claim((*weight, *has)));
            prop_assert_eq!(by_weight(total, &nodes.collect::<Vec<_>>()), first);
        }
    }

    #[test]
    fn zones_come_before_weights() {
        let divide = |n: usize, zones: &[usize]| {
            copies(12, n, &zones.iter().map(|zone| claim(100, *zone)).collect::<Vec<_>>())
        };
        assert_eq!(divide(3, &[0, 0, 0, 0]), [9, 9, 9, 9]);
        assert_eq!(divide(3, &[0, 1, 1, 2, 2, 2]), [12, 6, 6, 4, 4, 4]);
        assert_eq!(divide(2, &[0, 0, 1, 1, 2]), [5, 5, 5, 5, 4]);
        assert_eq!(divide(2, &[0, 0, 0, 1]), [4, 4, 4, 12]);
        assert_eq!(divide(3, &[0, 0, 1, 1]), [9, 9, 9, 9]);
        assert_eq!(divide(3, &[0, 0, 0, 1]), [8, 8, 8, 12]);
    }

    #[test]
    fn weights_count_as_far_as_a_node_can_hold_each_bucket_once() {
        assert_eq!(copies(12, 2, &[100, 100, 200].map(|weight| claim(weight, 0))), [6, 6, 12]);
        assert_eq!(copies(12, 2, &[100, 100, 900].map(|weight| claim(weight, 0))), [6, 6, 12]);
        assert_eq!(by_weight(12, &[100, 100, 400].map(|weight| claim(weight, 0))), [2, 2, 8]);
    }

    proptest! {
        #[test]
        fn all_is_given_and_nobody_gains_by_a_newcomer(
            weights in prop::collection::vec(1..=1000_u32, 3..12),
            n in 1..=3_usize,
        ) {
            let claims: Vec<_> = weights.into_iter().map(|weight| claim(weight, 0)).collect();
            let after = copies(12, n, &claims);
            prop_assert_eq!(after.iter().sum::<usize>(), 12 * n);
            let before = copies(12, n, &claims[1..]);
            if claims.len() > n {
                for (before, after) in before.iter().zip(&after[1..]) {
                    prop_assert!(after <= before);
                }
            }
        }
    }
}
