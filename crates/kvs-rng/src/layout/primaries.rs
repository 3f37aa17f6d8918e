//! The order of each preference list.
//!
//! The first of a list, its primary, does more than the others, so primaries are divided by weight
//! too. A bucket keeps its primary where that is possible. Where not, the primary's place goes to
//! another of the same list, if need be over a chain of lists, found as the planner finds its own.

use std::collections::VecDeque;

use super::plan::Plan;
use super::quotas::{self, Claim};

/// The lists of a plan in order: the primary, then the others as one meets them on the walk around
/// the circle. So the buckets of a node that is down fall to many others.
pub(super) fn order(plan: &Plan) -> Vec<Vec<usize>> {
    let primaries = Primaries::new(plan).level();
    let lists = plan.lists.iter().zip(primaries).enumerate();
    lists
        .map(|(bucket, (list, primary))| {
            let mut list = list.clone();
            list.sort_by_cached_key(|node| (*node != primary, plan.distance(bucket, *node), *node));
            list
        })
        .collect()
}

struct Primaries<'a> {
    lists: &'a [Vec<usize>],
    /// The primary of each bucket.
    of: Vec<usize>,
    counts: Vec<usize>,
    quotas: Vec<usize>,
}

#[expect(clippy::indexing_slicing, reason = "nodes and buckets are numbered by these very vectors")]
impl<'a> Primaries<'a> {
    /// Buckets whose primary still holds them keep it; the others get the one that lacks most.
    fn new(plan: &'a Plan) -> Self {
        let lists = &plan.lists;
        let kept = |bucket: usize| {
            plan.before[bucket].first().copied().filter(|node| lists[bucket].contains(node))
        };
        let mut counts = vec![0; plan.nodes.len()];
        for node in (0..lists.len()).filter_map(kept) {
            counts[node] += 1;
        }
        let nodes = plan.nodes.iter().zip(&plan.loads).zip(&counts);
        let claims: Vec<_> = nodes
            .map(|((node, load), count)| Claim {
                weight: node.weight,
                zone: 0,
                has: *count,
                most: *load,
            })
            .collect();
        let quotas = quotas::by_weight(lists.len(), &claims);
        let mut of = Vec::with_capacity(lists.len());
        for (bucket, list) in lists.iter().enumerate() {
            let primary = kept(bucket).unwrap_or_else(|| {
                let excess = |node: usize| counts[node].cast_signed() - quotas[node].cast_signed();
                let lacking = list.iter().copied().min_by_key(|node| (excess(*node), *node));
                let node = lacking.unwrap_or_default();
                counts[node] += 1;
                node
            });
            of.push(primary);
        }
        Self { lists, of, counts, quotas }
    }

    /// Brings every node as close to its quota as the lists allow.
    fn level(mut self) -> Vec<usize> {
        loop {
            let chain = self.find_chain();
            if chain.is_empty() {
                return self.of;
            }
            for (bucket, new) in chain {
                self.counts[self.of[bucket]] -= 1;
                self.counts[new] += 1;
                self.of[bucket] = new;
            }
        }
    }

    /// The shortest chain of buckets and their new primaries that takes one from a node above its
    /// quota and gives one to a node below it; empty if there is none.
    fn find_chain(&self) -> Vec<(usize, usize)> {
        let nodes = 0..self.counts.len();
        let mut seen: Vec<_> = nodes.clone().map(|n| self.counts[n] > self.quotas[n]).collect();
        let mut by: Vec<Option<usize>> = vec![None; self.counts.len()];
        let mut queue: VecDeque<_> = nodes.filter(|node| seen[*node]).collect();
        let mut buckets = vec![Vec::new(); self.counts.len()];
        for (bucket, primary) in self.of.iter().enumerate() {
            buckets[*primary].push(bucket);
        }
        while let Some(out) = queue.pop_front() {
            for bucket in &buckets[out] {
                for new in &self.lists[*bucket] {
                    if seen[*new] {
                        continue;
                    }
                    seen[*new] = true;
                    by[*new] = Some(*bucket);
                    if self.counts[*new] < self.quotas[*new] {
                        let step = |new: &usize| by[*new].map(|bucket| self.of[bucket]);
                        let ends = std::iter::successors(Some(*new), step);
                        return ends.filter_map(|new| Some((by[new]?, new))).collect();
                    }
                    queue.push_back(*new);
                }
            }
        }
        Vec::new()
    }
}
