//! Ways down a list, and what is found there.

use std::ops::Bound;

use kvs_core::{Order, Result, RowRef, Scan, prefix_end};

use super::node::Node;
use super::{FAN_OUT, LEVEL_BYTES, SkipList};
use crate::rows::after;

/// The most nodes that are read at a time.
const PAGE: usize = 1_024;

/// A way down, from the top to level 0.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    /// The key that it ends on; empty for the start of the list.
    key: Vec<u8>,
    /// How many keys there are up to and with that one.
    pub(super) rank: u64,
    /// Whether the key that was looked for is in the list.
    pub(super) found: bool,
}

/// One level of a walk.
#[derive(Default)]
pub(super) struct Step {
    pub(super) level: u8,
    /// The key that the node begins with; empty for the first node of the level.
    pub(super) node: Vec<u8>,
    /// The span in which the walk goes on.
    pub(super) span: usize,
    /// How many keys of the list lie before that span.
    pub(super) before: u64,
}

impl SkipList<'_> {
    /// How many keys lie before `key`, whether it is in the list or not; `None` if a writer came
    /// in between.
    pub(crate) async fn rank(&mut self, key: &[u8]) -> Result<Option<u64>> {
        Ok(self.walk_to(key).await?.map(|walk| walk.rank))
    }

    /// The key with `position` keys before it; `None` if there is none, or if a writer came in
    /// between.
    pub(crate) async fn select(&mut self, position: u64) -> Result<Option<Vec<u8>>> {
        if position >= self.shape.len {
            return Ok(None);
        }
        let walk = self.walk(|node, before| node.span_at(position.saturating_sub(before))).await?;
        Ok(walk.map(|walk| walk.key))
    }

    /// Up to `n` keys beyond `key` in `order`, whether it is in the list or not; the empty key is
    /// the start of the list. `None` if a writer came in between.
    pub(crate) async fn beyond(
        &mut self,
        key: &[u8],
        order: Order,
        n: usize,
    ) -> Result<Option<Vec<Vec<u8>>>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        if self.shape.len == 0 {
            return Ok(Some(found));
        }
        let Some(leaf) = self.leaf_before(key).await? else { return Ok(None) };
        let level = self.row(0, &[]);
        let range = match order {
            Order::Ascending => {
                let end = prefix_end(&level).map_or(Bound::Unbounded, Bound::Excluded);
                (Bound::Included(leaf.clone()), end)
            }
            Order::Descending => (Bound::Included(level), Bound::Included(leaf.clone())),
        };
        let rows = (n / FAN_OUT).saturating_add(2).min(PAGE);
        let mut scan = Some(Scan::range(range).order(order).limit(rows));
        let mut expected = Some(leaf);
        while found.len() < n
            && let Some(current) = scan
        {
            let page = self.nodes.rows().scan(&current).await?;
            let first = page.first().map(|row| row.clustering);
            if expected.take().is_some_and(|leaf| first != Some(&leaf)) {
                return Ok(None);
            }
            // A writer may have split the last node of the page before.
            let last = found.last().map_or(key, Vec::as_slice).to_vec();
            for row in page.rows() {
                let mut keys = self.leaf_keys(row)?;
                if order == Order::Descending {
                    keys.reverse();
                }
                found.extend(keys.into_iter().filter(|key| match order {
                    Order::Ascending => *key > last,
                    Order::Descending => *key < last,
                }));
            }
            scan = page.resume.map(|token| current.resume(token));
        }
        found.truncate(n);
        Ok(Some(found))
    }

    /// The row of the node on level 0 in which a walk to `key` ends.
    async fn leaf_before(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if key.is_empty() {
            return Ok(Some(self.row(0, &[])));
        }
        let walk = self.walk_to(key).await?;
        Ok(walk.and_then(|walk| Some(self.row(0, &walk.steps.last()?.node))))
    }

    /// The keys of a node on level 0: the one that it begins with, and those in it.
    fn leaf_keys(&self, row: RowRef<'_>) -> Result<Vec<Vec<u8>>> {
        let first = after(self.prefix.len() + LEVEL_BYTES, row.clustering);
        let first = Some(first).filter(|first| !first.is_empty());
        let node = Node::read(row.value)?;
        Ok(first.into_iter().chain(node.keys().iter()).map(<[u8]>::to_vec).collect())
    }

    /// The way down to the last key before `key`.
    pub(super) async fn walk_to(&mut self, key: &[u8]) -> Result<Option<Walk>> {
        let mut found = false;
        let walk = self.walk(|node, _| {
            let span = node.span_before(key);
            found |= node.keys().get(span).is_some_and(|next| next == key);
            span
        });
        let walk = walk.await?;
        Ok(walk.map(|walk| Walk { found, ..walk }))
    }

    /// The way down through the spans that `choose` picks; it gets to know how many keys lie before
    /// the node.
    async fn walk(&mut self, mut choose: impl FnMut(&Node, u64) -> usize) -> Result<Option<Walk>> {
        let mut walk = Walk::default();
        if self.shape.len == 0 {
            return Ok(Some(walk));
        }
        let mut width = self.shape.len;
        for level in (0..=self.shape.top).rev() {
            let row = self.row(level, &walk.key);
            let Some(node) = self.nodes.get(row).await? else { return Ok(None) };
            if node.total() != width {
                return Ok(None);
            }
            let span = choose(node, walk.rank);
            let Some(chosen) = node.width(span) else { return Ok(None) };
            width = chosen;
            let before = walk.rank.saturating_add(node.before(span));
            let key = node.start(span).map_or_else(|| walk.key.clone(), <[u8]>::to_vec);
            let node = std::mem::replace(&mut walk.key, key);
            walk.steps.push(Step { level, node, span, before });
            walk.rank = before;
        }
        walk.rank = walk.rank.saturating_add(width);
        Ok(Some(walk))
    }
}
