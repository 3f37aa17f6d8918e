//! Dots that are never given twice.

use std::sync::atomic::{AtomicU64, Ordering};

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{DbaError, Result, RowKind};
use tokio::sync::Mutex;

use super::rows;
use crate::identity::NodeId;
use crate::version::Dot;

/// How many dots are reserved at a time, with one sync.
pub const DOTS_RESERVED: u64 = 1 << 16;

const WHAT: &str = "counter of a node's writes";
const NAME: &[u8] = b"replica/counter";

/// The counter of a node's writes.
pub(super) struct Dots {
    node: NodeId,
    /// Its writes are synced.
    raw: Raw,
    last: Mutex<u64>,
    /// The same, for those who don't give any; changes under its lock.
    given: AtomicU64,
    /// Dots up to here may be given; changes under the lock of `last`.
    reserved: AtomicU64,
}

impl Dots {
    /// Goes on behind the last block; adds the next one to `writes`, after which dots may be given.
    pub(super) async fn open(node: NodeId, raw: Raw, writes: &mut WriteSet) -> Result<Self> {
        let last = match raw.get(key()).await? {
            Some(value) => rows::read_number(WHAT, &value)?,
            None => 0,
        };
        let reserved = reserve(last, writes)?;
        Ok(Self {
            node,
            raw,
            last: Mutex::new(last),
            given: AtomicU64::new(last),
            reserved: AtomicU64::new(reserved),
        })
    }

    /// Gives the next `count` dots, in ascending order; waits for the disk if they pass the block.
    pub(super) async fn take(&self, count: usize) -> Result<impl Iterator<Item = Dot> + use<>> {
        let mut last = self.last.lock().await;
        let before = *last;
        let after = before.saturating_add(count as u64);
        while after > self.reserved() {
            let mut writes = WriteSet::default();
            let reserved = reserve(self.reserved(), &mut writes)?;
            self.raw.write(writes).await?;
            self.reserved.store(reserved, Ordering::Release);
        }
        *last = after;
        self.given.store(after, Ordering::Release);
        let node = self.node;
        Ok((before..after).map(move |counter| Dot::new(node, counter + 1)))
    }

    /// No dot behind this one has ever been given from this data folder. (Of those before it, up to a
    /// block may not have been given either.)
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::Acquire)
    }

    pub(super) fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Acquire)
    }
}

/// Adds to `writes` the block behind `reserved`; gives its end.
fn reserve(reserved: u64, writes: &mut WriteSet) -> Result<u64> {
    let end = reserved.checked_add(DOTS_RESERVED);
    let end = end.ok_or_else(|| DbaError::decode(WHAT, "it is at its end"))?;
    writes.stored(&key(), Some(&rows::number(end)));
    Ok(end)
}

fn key() -> Vec<u8> {
    [&[RowKind::Meta as u8], NAME].concat()
}
