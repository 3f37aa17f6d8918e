//! Nodes: runs of the keys of one level.

use kvs_core::{DbaError, Result, Value};
use serde::{Deserialize, Serialize};

use super::keys::Keys;

/// The keys of a level after a key of the level above, up to the next one of those.
///
/// They cut what lies there into *spans*: the first one begins with the key above, and one begins
/// with each key. So there is one more width than keys.
///
/// Changes give `None` if the widths contradict each other; the node is worthless then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    /// How many keys of the whole list lie in each span.
    widths: Vec<u64>,
    keys: Keys,
}

impl Node {
    /// A node without keys: one span.
    pub(super) fn new(width: u64) -> Self {
        Self { widths: vec![width], keys: Keys::default() }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let node = Self::from_bytes(bytes)?;
        if node.keys.is_valid() && node.widths.len() == node.keys.len() + 1 {
            return Ok(node);
        }
        Err(DbaError::decode("skip list", "the parts of a node don't fit together"))
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The span that holds the last key before `key`.
    pub(super) fn span_before(&self, key: &[u8]) -> usize {
        self.keys.iter().take_while(|start| *start < key).count()
    }

    /// The span that holds the key with `position` keys before it in this node.
    pub(super) fn span_at(&self, position: u64) -> usize {
        let ends = self.widths.iter().scan(0_u64, |end, width| {
            *end = end.saturating_add(*width);
            Some(*end)
        });
        ends.take_while(|end| *end <= position).count()
    }

    /// The key that a span begins with; `None` for the first one.
    pub(super) fn start(&self, span: usize) -> Option<&[u8]> {
        self.keys.get(span.checked_sub(1)?)
    }

    pub(super) fn width(&self, span: usize) -> Option<u64> {
        self.widths.get(span).copied()
    }

    /// How many keys lie in the spans before this one.
    pub(super) fn before(&self, span: usize) -> u64 {
        self.widths.iter().take(span).fold(0, |sum, width| sum.saturating_add(*width))
    }

    /// How many keys lie in all spans.
    pub(super) fn total(&self) -> u64 {
        self.before(self.widths.len())
    }

    /// Adds a key to a span.
    pub(super) fn grow(&mut self, span: usize) -> Option<()> {
        let width = self.widths.get_mut(span)?;
        *width = width.checked_add(1)?;
        Some(())
    }

    /// Removes a key from a span.
    pub(super) fn shrink(&mut self, span: usize) -> Option<()> {
        let width = self.widths.get_mut(span)?;
        *width = width.checked_sub(1)?;
        Some(())
    }

    /// Adds `key`, with `left` keys before it in its span: a new span begins with it.
    pub(super) fn cut(&mut self, span: usize, left: u64, key: &[u8]) -> Option<()> {
        let right = self.halve(span, left)?;
        self.keys.insert(span, key);
        self.widths.insert(span + 1, right);
        Some(())
    }

    /// Removes `key`, with which the span after this one begins: the reverse of [`cut`](Self::cut).
    pub(super) fn join(&mut self, span: usize, key: &[u8]) -> Option<()> {
        if self.keys.get(span)? != key {
            return None;
        }
        self.keys.remove(span);
        let right = self.widths.remove(span + 1);
        self.widen(span, right)
    }

    /// Adds a key that is on the level above too, with `left` keys before it in its span: gives the
    /// node that begins with it.
    pub(super) fn split(&mut self, span: usize, left: u64) -> Option<Self> {
        let right = self.halve(span, left)?;
        let keys = self.keys.split_off(span);
        let mut widths = self.widths.split_off(span + 1);
        widths.insert(0, right);
        Some(Self { widths, keys })
    }

    /// Removes the key that begins the next node: the reverse of [`split`](Self::split).
    pub(super) fn merge(&mut self, next: Self) -> Option<()> {
        let last = self.widths.len().checked_sub(1)?;
        let mut widths = next.widths.into_iter();
        self.widen(last, widths.next()?)?;
        self.widths.extend(widths);
        self.keys.append(next.keys);
        Some(())
    }

    /// Leaves `left` keys in a span, and gives the width of the rest with one key more.
    fn halve(&mut self, span: usize, left: u64) -> Option<u64> {
        let width = self.widths.get_mut(span)?;
        let right = width.checked_sub(left)?.checked_add(1)?;
        *width = left;
        Some(right)
    }

    /// Adds the width of the next span to a span, with one key less.
    fn widen(&mut self, span: usize, right: u64) -> Option<()> {
        let width = self.widths.get_mut(span)?;
        *width = width.checked_add(right)?.checked_sub(1)?;
        Some(())
    }
}
