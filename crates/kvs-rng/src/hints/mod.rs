//! Which keys a node that is away has missed.
//!
//! A replica that mints a write, and can't bring it to another replica, keeps a *hint* for that one:
//! the key, without the value, for the minter is a replica itself and can send what it then holds,
//! however often the key is written meanwhile. When the other node is seen again, the hints are
//! [replayed](crate::coordinator::Coordinator::replay_to) (hinted handoff, DeCandia et al., *Dynamo*,
//! SOSP 2007).
//!
//! **No promise rests on hints.** There are at most [`HINTS_MAX`] for a node; more are dropped and
//! counted, and reads and the comparison of replicas mend what they would have.
//!
//! ```text
//!  key    ┌───────────┬──────────────┬─────────────┬─────────────────────────┐
//!         │ kind 0x08 │ node: 16     │ bucket: u32 │ stored key (plain)      │
//!         └───────────┴──────────────┴─────────────┴─────────────────────────┘
//!  value  version 0x01 │ mark: u64
//! ```
//!
//! The mark is new each time a key is missed. A hint that was replayed is removed only if its mark is
//! still the one that was read before: otherwise the key was missed again meanwhile.

mod format;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{Key, Order, Result, Store};
use tokio::sync::Mutex;

use crate::hash::Bucket;
use crate::identity::NodeId;

/// Most hints that are kept for one node.
pub const HINTS_MAX: u64 = 100_000;
/// Keys that are read at a time when hints are counted.
const COUNTED: usize = 1_000;
/// A page of hints ends once it holds this many bytes.
const PAGE_BYTES: usize = 1 << 20;

/// The hints that this node keeps for others. Clones are handles of the same; a store has one.
#[derive(Clone)]
pub struct Hints {
    raw: Raw,
    state: Arc<Mutex<State>>,
    max: u64,
}

#[derive(Default)]
struct State {
    /// How many are kept for each node; never 0.
    counts: BTreeMap<NodeId, u64>,
    mark: u64,
    dropped: u64,
}

/// A key that a node has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The key's bucket.
    pub bucket: Bucket,
    /// The key.
    pub key: Key,
    /// Tells whether it was missed again.
    mark: u64,
}

impl Hints {
    /// The hints in `store`. Reads all of their keys once, to count them.
    pub async fn open(store: &Store) -> Result<Self> {
        let raw = store.raw();
        let mut state = State { mark: store.env().random.next_u64(), ..State::default() };
        let mut range = format::everything();
        loop {
            let rows = raw.scan(range.clone(), Order::Ascending, COUNTED, PAGE_BYTES).await?;
            let Some(last) = rows.last() else { break };
            range = format::behind(&last.key);
            for row in &rows {
                *state.counts.entry(format::target(&row.key)?).or_default() += 1;
            }
        }
        Ok(Self { raw, state: Arc::new(Mutex::new(state)), max: HINTS_MAX })
    }

    /// Keeps at most `max` hints for a node instead of [`HINTS_MAX`].
    #[must_use]
    pub fn with_max(self, max: u64) -> Self {
        Self { max, ..self }
    }

    /// Keeps hints that `node` has missed `keys` of `bucket`. What is too many is dropped.
    pub async fn add(&self, node: NodeId, bucket: Bucket, keys: &[&Key]) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut count = state.counts.get(&node).copied().unwrap_or(0);
        let mut writes = WriteSet::default();
        for key in keys {
            let stored = format::key(node, bucket, key);
            if self.raw.get(stored.clone()).await?.is_none() {
                if count >= self.max {
                    state.dropped += 1;
                    continue;
                }
                count += 1;
            }
            state.mark = state.mark.wrapping_add(1);
            writes.stored(&stored, Some(&format::value(state.mark)));
        }
        self.raw.write(writes).await?;
        if count > 0 {
            state.counts.insert(node, count);
        }
        Ok(())
    }

    /// The nodes that hints are kept for, and how many.
    pub async fn counts(&self) -> BTreeMap<NodeId, u64> {
        self.state.lock().await.counts.clone()
    }

    /// How many hints have been dropped since the start because there were too many.
    pub async fn dropped(&self) -> u64 {
        self.state.lock().await.dropped
    }

    /// The first `rows` hints for `node`, in the order of their keys.
    pub async fn page(&self, node: NodeId, rows: usize) -> Result<Vec<Hint>> {
        let range = format::range(node);
        let rows = self.raw.scan(range, Order::Ascending, rows, PAGE_BYTES).await?;
        rows.iter().map(|row| format::read(&row.key, &row.value)).collect()
    }

    /// Removes hints for `node` that have been replayed, those that have not been missed again since
    /// they were read. Gives how many.
    pub async fn remove(&self, node: NodeId, hints: &[Hint]) -> Result<u64> {
        let mut state = self.state.lock().await;
        let mut writes = WriteSet::default();
        for hint in hints {
            let stored = format::key(node, hint.bucket, &hint.key);
            let held = self.raw.get(stored.clone()).await?;
            if held.as_deref() == Some(&format::value(hint.mark)) {
                writes.stored(&stored, None);
            }
        }
        let removed = writes.len() as u64;
        self.raw.write(writes).await?;
        if let Some(count) = state.counts.get_mut(&node) {
            *count = count.saturating_sub(removed);
            if *count == 0 {
                state.counts.remove(&node);
            }
        }
        Ok(removed)
    }

    /// Removes all hints for `node`, which has left the ring. Gives how many.
    pub async fn forget(&self, node: NodeId) -> Result<u64> {
        let mut state = self.state.lock().await;
        let removed = self.raw.delete_range(format::range(node)).await?;
        state.counts.remove(&node);
        Ok(removed)
    }
}
