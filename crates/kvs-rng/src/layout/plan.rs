//! The planner: from a table to the next.
//!
//! Works on node numbers, the positions of the members sorted by id. Copies move only from nodes above
//! their quota to nodes below it; see the [module above](super) for the steps.
//!
//! The last step deals with what a direct hand-over can't do because of zones, or because the bucket
//! is there already: a chain of hand-overs from a node above its quota over others to one below it,
//! found by breadth-first search, as augmenting paths are found for a maximal flow. Chains of copies
//! that move anyway are tried first, for they cost nothing.

use std::collections::{BTreeMap, VecDeque};

use super::quotas::{self, Claim};
use super::tokens::Tokens;
use super::{Member, NodeId, Table, primaries};

/// The table of these members with `copies` (at most as many as members) of each bucket, made from
/// the table `before`.
pub(super) fn plan(
    members: &BTreeMap<NodeId, Member>,
    copies: usize,
    virtual_nodes: u32,
    before: &Table,
) -> Table {
    let mut plan = Plan::new(members, copies, virtual_nodes, before);
    plan.keep();
    plan.set_quotas();
    plan.fill();
    plan.spread();
    plan.level();
    plan.chain();
    let ids: Vec<_> = members.keys().copied().collect();
    let lists = primaries::order(&plan);
    let nodes = lists.iter().flatten().filter_map(|node| ids.get(*node).copied()).collect();
    Table::new(copies, nodes)
}

/// What a node is to the planner.
pub(super) struct Node {
    pub(super) weight: u32,
    zone: usize,
    tokens: Tokens,
}

/// A table in the making.
pub(super) struct Plan {
    pub(super) nodes: Vec<Node>,
    copies: usize,
    /// In how many zones each bucket is to be.
    zones: usize,
    /// Who of the members held each bucket before.
    pub(super) before: Vec<Vec<usize>>,
    /// Who holds it now.
    pub(super) lists: Vec<Vec<usize>>,
    pub(super) loads: Vec<usize>,
    quotas: Vec<usize>,
}

#[expect(clippy::indexing_slicing, reason = "nodes and buckets are numbered by these very vectors")]
impl Plan {
    fn new(
        members: &BTreeMap<NodeId, Member>,
        copies: usize,
        virtual_nodes: u32,
        before: &Table,
    ) -> Self {
        let mut zones: Vec<_> = members.values().map(|member| member.zone.as_str()).collect();
        zones.sort_unstable();
        zones.dedup();
        let node = |member: &Member| Node {
            weight: member.weight,
            zone: zones.binary_search(&member.zone.as_str()).unwrap_or_default(),
            tokens: Tokens::of(member, virtual_nodes),
        };
        let numbers: BTreeMap<_, _> = members.keys().zip(0..).collect();
        let list =
            |list: &[NodeId]| list.iter().filter_map(|id| numbers.get(id).copied()).collect();
        let before: Vec<Vec<usize>> = before.lists().map(list).collect();
        Self {
            nodes: members.values().map(node).collect(),
            copies,
            zones: zones.len().min(copies),
            lists: before.clone(),
            before,
            loads: vec![0; members.len()],
            quotas: Vec::new(),
        }
    }

    /// The way from a bucket to a node; the shorter, the better the node likes it.
    pub(super) fn distance(&self, bucket: usize, node: usize) -> u64 {
        self.nodes[node].tokens.distance(bucket, self.lists.len())
    }

    /// How far a node is above its quota.
    fn excess(&self, node: usize) -> isize {
        self.loads[node].cast_signed() - self.quotas[node].cast_signed()
    }

    /// Whether one of these nodes is in the zone of `node`.
    fn near(&self, list: &[usize], node: usize) -> bool {
        list.iter().any(|other| self.nodes[*other].zone == self.nodes[node].zone)
    }

    /// In how many zones a list is.
    fn zones_of(&self, list: &[usize]) -> usize {
        (0..list.len()).filter(|at| !self.near(&list[..*at], list[*at])).count()
    }

    /// Whether a list is in as many zones without one of its nodes.
    fn spares(&self, list: &[usize], node: usize) -> bool {
        list.iter().any(|other| *other != node && self.nodes[*other].zone == self.nodes[node].zone)
    }

    /// Takes away copies that a smaller N makes superfluous, from the fullest nodes.
    fn keep(&mut self) {
        for list in &self.lists {
            for node in list {
                self.loads[*node] += 1;
            }
        }
        for bucket in 0..self.lists.len() {
            while self.lists[bucket].len() > self.copies {
                let list = &self.lists[bucket];
                let relative =
                    |node: usize| self.loads[node] * 1000 / self.nodes[node].weight as usize;
                let out = list
                    .iter()
                    .copied()
                    .enumerate()
                    .max_by_key(|(_, node)| (self.spares(list, *node), relative(*node), *node));
                let Some((at, node)) = out else { break };
                self.lists[bucket].remove(at);
                self.loads[node] -= 1;
            }
        }
    }

    fn set_quotas(&mut self) {
        let buckets = self.lists.len();
        let nodes = self.nodes.iter().zip(&self.loads);
        let claims: Vec<_> = nodes
            .map(|(node, load)| Claim {
                weight: node.weight,
                zone: node.zone,
                has: *load,
                most: buckets,
            })
            .collect();
        self.quotas = quotas::copies(buckets, self.copies, &claims);
    }

    /// Makes lists that are too short as long as they are to be, with those nodes that lack most.
    fn fill(&mut self) {
        for bucket in 0..self.lists.len() {
            while self.lists[bucket].len() < self.copies {
                let list = &self.lists[bucket];
                let missing = self.copies - list.len();
                let must_spread = self.zones_of(list) + missing <= self.zones;
                let new = (0..self.nodes.len())
                    .filter(|node| !list.contains(node))
                    .filter(|node| !must_spread || !self.near(list, *node))
                    .min_by_key(|node| (self.excess(*node), self.distance(bucket, *node)));
                let Some(new) = new else { break };
                self.lists[bucket].push(new);
                self.loads[new] += 1;
            }
        }
    }

    /// Brings every bucket into as many zones as possible.
    fn spread(&mut self) {
        for bucket in 0..self.lists.len() {
            while self.zones_of(&self.lists[bucket]) < self.zones {
                let list = &self.lists[bucket];
                let out = list.iter().copied().filter(|node| self.spares(list, *node));
                let out = out.max_by_key(|node| (self.excess(*node), *node));
                let new = (0..self.nodes.len()).filter(|node| !self.near(list, *node));
                let new = new.min_by_key(|node| (self.excess(*node), self.distance(bucket, *node)));
                let (Some(out), Some(new)) = (out, new) else { break };
                self.replace(bucket, out, new);
            }
        }
    }

    /// Hands copies from nodes above their quota to nodes below it.
    fn level(&mut self) {
        for new in 0..self.nodes.len() {
            if self.excess(new) >= 0 {
                continue;
            }
            let mut buckets: Vec<_> = (0..self.lists.len()).collect();
            buckets.sort_by_cached_key(|bucket| (self.distance(*bucket, new), *bucket));
            for bucket in buckets {
                if self.excess(new) >= 0 {
                    break;
                }
                let givers = self.lists[bucket]
                    .iter()
                    .copied()
                    .filter(|out| self.excess(*out) > 0 && self.may_replace(bucket, *out, new));
                let giver =
                    givers.max_by_key(|out| (self.excess(*out), self.distance(bucket, *out)));
                if let Some(out) = giver {
                    self.replace(bucket, out, new);
                }
            }
        }
    }

    /// Does by chains what is left to do.
    fn chain(&mut self) {
        for only_moved in [true, false] {
            let above = (0..self.nodes.len()).map(|node| self.excess(node).max(0).unsigned_abs());
            // Every chain brings one copy to its place; twice, for those that come to nothing.
            for _ in 0..2 * above.sum::<usize>() {
                let chain = self.find_chain(only_moved);
                if chain.is_empty() {
                    break;
                }
                for (bucket, out, new) in chain {
                    // A step may have become impossible by another of the same bucket.
                    if !self.may_replace(bucket, out, new) {
                        break;
                    }
                    self.replace(bucket, out, new);
                }
            }
        }
    }

    /// The shortest chain of hand-overs `(bucket, from, to)` from a node above its quota to one below
    /// it, the last hand-over first; empty if there is none.
    fn find_chain(&self, only_moved: bool) -> Vec<(usize, usize, usize)> {
        let all = 0..self.nodes.len();
        let mut seen: Vec<_> = all.clone().map(|node| self.excess(node) > 0).collect();
        let mut by: Vec<Option<(usize, usize)>> = vec![None; self.nodes.len()];
        let mut queue: VecDeque<_> = all.clone().filter(|node| seen[*node]).collect();
        while let Some(out) = queue.pop_front() {
            for (bucket, list) in self.lists.iter().enumerate() {
                if !list.contains(&out) || only_moved && self.before[bucket].contains(&out) {
                    continue;
                }
                for new in all.clone() {
                    if seen[new] || !self.may_replace(bucket, out, new) {
                        continue;
                    }
                    seen[new] = true;
                    by[new] = Some((bucket, out));
                    if self.excess(new) < 0 {
                        let step = |new: &usize| by[*new].map(|(_, out)| out);
                        let ends = std::iter::successors(Some(new), step);
                        return ends
                            .filter_map(|new| by[new].map(|(bucket, out)| (bucket, out, new)))
                            .collect();
                    }
                    queue.push_back(new);
                }
            }
        }
        Vec::new()
    }

    /// Whether a bucket may go from one node to another and be in as many zones as before.
    fn may_replace(&self, bucket: usize, out: usize, new: usize) -> bool {
        let list = &self.lists[bucket];
        list.contains(&out)
            && !list.contains(&new)
            && (self.zones == 1
                || self.nodes[out].zone == self.nodes[new].zone
                || self.spares(list, out)
                || !self.near(list, new))
    }

    fn replace(&mut self, bucket: usize, out: usize, new: usize) {
        for node in &mut self.lists[bucket] {
            if *node == out {
                *node = new;
                self.loads[out] -= 1;
                self.loads[new] += 1;
            }
        }
    }
}
