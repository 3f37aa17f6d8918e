//! An indexable skip list whose nodes are rows.
//!
//! # The problem
//! An ordered store finds a key at once, but it can't tell how many keys lie before it: it would
//! have to count them. A balanced tree with sizes in its nodes can, but its shape depends on its
//! past, and rebalancing it writes nodes that have nothing to do with the change.
//!
//! # The structure
//! A skip list (Pugh, *Skip Lists: A Probabilistic Alternative to Balanced Trees*, 1990) has every
//! key on level 0. A random few of them, one in a *fan-out*, are also on level 1, of those the same
//! share on level 2, and so on. An indexable one (Pugh, *A Skip List Cookbook*, 1990) keeps with
//! each key on a level its *width*: how many keys of the list lie from it up to the next one on that
//! level. Here, with the keys `a` to `i`, of which `c`, `e` and `h` reach level 1 and `e` level 2:
//!
//! ```text
//! level 2   (∙ 4)                         (e 5)
//! level 1   (∙ 2)         (c 2)           (e 3)               (h 2)
//! level 0            a      b      c      d      e      f      g      h      i
//! ```
//!
//! How many keys lie before `i`? Level 2: 4 before `e`. Level 1, from `e` on: 3 more before `h`.
//! Level 0, from `h` on: 1 more. Together 8.
//!
//! A row for each key and level would make long scans through rows that every change rewrites, and
//! a store that appends steps over all their old versions. So what lies on a level from one key of
//! the level above up to the next is one row, a *node* (Golovin, *The B-Skip-List: A Simpler Uniquely
//! Represented Alternative to B-Trees*, 2010). To go down a level is one get. In the example:
//!
//! | row | node |
//! |---|---|
//! | level 2, start | 4 `e` 5 |
//! | level 1, start | 2 `c` 2 |
//! | level 1, `e` | 3 `h` 2 |
//! | level 0, start | 0 `a` 1 `b` 1 |
//! | level 0, `c` | 1 `d` 1 |
//! | level 0, `e` | 1 `f` 1 `g` 1 |
//! | level 0, `h` | 1 `i` 1 |
//!
//! To insert a key is to walk down to it and to add 1 to the widths on the way. On the highest level
//! that it reaches it is added to the node, and below that it cuts the nodes in two; the walk has
//! counted how many keys lie left of the cut. To remove one is the reverse.
//!
//! # Towers
//! How high a key reaches is not drawn and remembered but derived: from a hash (XXH3) of its bytes
//! under the list's secret seed. So the rows depend on nothing but the seed and the keys that are
//! in. The order in which they came and what was removed in between have no influence, ascending
//! order is as good as any, and who doesn't know the seed can't choose keys that make bad towers.
//!
//! # Rows
//! | key, after the list's prefix | value |
//! |---|---|
//! | level | the first node of the level |
//! | level, key | the node that begins with this key |
//!
//! How many keys and levels there are, the seed and the fan-out are the [`Shape`], which the list's
//! owner keeps. An empty list has no rows.
//!
//! # Reading beside a writer
//! Changes are atomic, but a walk makes several calls. If a node is gone when the walk gets there,
//! or doesn't hold as many keys as the one above said, then a writer came in between; the operation
//! gives `None` and has to begin again with the present shape. What it finds otherwise is off by no
//! more than the number of changes made meanwhile, as the rest of the walk sees each of them or not.
//! To a writer the same is damage.

mod keys;
mod node;
mod nodes;
mod walk;

use std::cmp::Ordering;

use kvs_core::{Batch, DbaError, Result};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::rows::Rows;
use node::Node;
use nodes::Nodes;
use walk::Step;

/// One key in 16 reaches the next level. Fewer would make longer nodes to write, more would make
/// more of them to read.
const FAN_OUT: usize = 1 << FAN_OUT_BITS;
const FAN_OUT_BITS: u8 = 4;

/// Enough for 16⁹ keys; with more the topmost node would grow, and no harm done.
const LEVELS_MAX: u8 = 8;

/// The bytes that a list puts in front of a key, after its own prefix.
pub(crate) const LEVEL_BYTES: usize = 1;

/// What the owner of a list keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    seed: u64,
    fan_out_bits: u8,
    /// The highest level that a key reaches.
    top: u8,
    len: u64,
}

impl Shape {
    /// An empty list. Towers depend on `seed`, which nobody else should know.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, fan_out_bits: FAN_OUT_BITS, top: 0, len: 0 }
    }

    /// An empty list with the same towers.
    pub(crate) fn emptied(self) -> Self {
        Self { top: 0, len: 0, ..self }
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The highest level that `key` reaches.
    fn height(&self, key: &[u8]) -> u8 {
        let zeros = xxh3_64_with_seed(key, self.seed).trailing_zeros();
        let height = zeros.checked_div(self.fan_out_bits.into()).unwrap_or_default();
        height.min(LEVELS_MAX.into()) as u8
    }
}

/// A list among the rows of an entity. Keys are not empty.
///
/// Changes are collected, and seen by what follows; [`finish`](Self::finish) gives them. After an
/// error the list is worthless.
pub(crate) struct SkipList<'a> {
    nodes: Nodes<'a>,
    prefix: Vec<u8>,
    shape: Shape,
}

impl<'a> SkipList<'a> {
    /// The list of this shape in the rows that begin with `prefix`.
    pub(crate) fn new(rows: &'a Rows, prefix: Vec<u8>, shape: Shape) -> Self {
        Self { nodes: Nodes::new(rows), prefix, shape }
    }

    /// The writes that make the changes, and the list's shape after them.
    pub(crate) fn finish(self) -> Result<(Batch, Shape)> {
        Ok((self.nodes.into_batch()?, self.shape))
    }

    /// Adds a key; `false` if it was there.
    pub(crate) async fn insert(&mut self, key: &[u8]) -> Result<bool> {
        let walk = self.walk_to(key).await?.ok_or_else(damaged)?;
        if walk.found {
            return Ok(false);
        }
        let height = self.shape.height(key);
        let mut steps = walk.steps;
        let levels = if self.shape.len == 0 { 0 } else { self.shape.top.saturating_add(1) };
        for level in levels..=height {
            // Nothing reached this level so far: it is one span.
            self.nodes.add(self.row(level, &[]), Node::new(self.shape.len));
            steps.push(Step { level, ..Step::default() });
        }
        for Step { level, node, span, before } in steps {
            let left = walk.rank.checked_sub(before).ok_or_else(damaged)?;
            let node = self.node(level, &node).await?;
            match level.cmp(&height) {
                Ordering::Greater => node.grow(span).ok_or_else(damaged)?,
                Ordering::Equal => node.cut(span, left, key).ok_or_else(damaged)?,
                Ordering::Less => {
                    let next = node.split(span, left).ok_or_else(damaged)?;
                    self.nodes.add(self.row(level, key), next);
                }
            }
        }
        self.shape.top = self.shape.top.max(height);
        self.shape.len = self.shape.len.saturating_add(1);
        Ok(true)
    }

    /// Removes a key; `false` if it was not there.
    pub(crate) async fn remove(&mut self, key: &[u8]) -> Result<bool> {
        let walk = self.walk_to(key).await?.ok_or_else(damaged)?;
        if !walk.found {
            return Ok(false);
        }
        let height = self.shape.height(key);
        for Step { level, node, span, .. } in walk.steps {
            let changed = match level.cmp(&height) {
                Ordering::Greater => self.node(level, &node).await?.shrink(span),
                Ordering::Equal => self.node(level, &node).await?.join(span, key),
                Ordering::Less => {
                    let next = self.nodes.take(self.row(level, key)).await?.ok_or_else(damaged)?;
                    self.node(level, &node).await?.merge(next)
                }
            };
            changed.ok_or_else(damaged)?;
        }
        self.shape.len = self.shape.len.saturating_sub(1);
        // Levels that nothing reaches any more go.
        while self.node(self.shape.top, &[]).await?.keys().len() == 0 {
            self.nodes.take(self.row(self.shape.top, &[])).await?;
            let Some(below) = self.shape.top.checked_sub(1) else { break };
            self.shape.top = below;
        }
        Ok(true)
    }

    async fn node(&mut self, level: u8, key: &[u8]) -> Result<&mut Node> {
        let row = self.row(level, key);
        self.nodes.get(row).await?.ok_or_else(damaged)
    }

    fn row(&self, level: u8, key: &[u8]) -> Vec<u8> {
        [&self.prefix, [level].as_slice(), key].concat()
    }
}

/// What a change finds when its list contradicts itself.
fn damaged() -> DbaError {
    DbaError::decode("skip list", "its widths contradict each other")
}

#[cfg(test)]
mod tests;
