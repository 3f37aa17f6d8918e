//! The nodes that an operation reads and changes.

use std::collections::BTreeMap;

use kvs_core::{Batch, Op, Result, Value};

use super::node::Node;
use crate::rows::Rows;

/// Nodes by the keys of their rows: each is read once, and written in the end if it has changed.
pub(super) struct Nodes<'a> {
    rows: &'a Rows,
    read: BTreeMap<Vec<u8>, Slot>,
}

#[derive(Default)]
struct Slot {
    stored: Option<Vec<u8>>,
    node: Option<Node>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(rows: &'a Rows) -> Self {
        Self { rows, read: BTreeMap::new() }
    }

    pub(super) fn rows(&self) -> &'a Rows {
        self.rows
    }

    /// The node of a row, as stored or as changed since; `None` if there is none.
    pub(super) async fn get(&mut self, row: Vec<u8>) -> Result<Option<&mut Node>> {
        if !self.read.contains_key(&row) {
            let stored = self.rows.get(row.clone()).await?;
            let node = stored.as_deref().map(Node::read).transpose()?;
            self.read.insert(row.clone(), Slot { stored, node });
        }
        Ok(self.read.get_mut(&row).and_then(|slot| slot.node.as_mut()))
    }

    /// Takes a node away; `None` if there is none.
    pub(super) async fn take(&mut self, row: Vec<u8>) -> Result<Option<Node>> {
        self.get(row.clone()).await?;
        Ok(self.read.get_mut(&row).and_then(|slot| slot.node.take()))
    }

    /// Adds a node where there is none.
    pub(super) fn add(&mut self, row: Vec<u8>, node: Node) {
        self.read.entry(row).or_default().node = Some(node);
    }

    /// The writes that make the stored nodes what these are.
    pub(super) fn into_batch(self) -> Result<Batch> {
        let mut batch = Batch::new();
        for (clustering, Slot { stored, node }) in self.read {
            let value = node.map(|node| node.to_bytes()).transpose()?;
            if value != stored {
                batch.push(match value {
                    Some(value) => Op::Put { clustering, value },
                    None => Op::Delete { clustering },
                });
            }
        }
        Ok(batch)
    }
}
