//! What the agreed entries make: the layout.
//!
//! ```text
//! Meta "consensus/state"  → version, last entry applied, membership, layout
//! ```
//!
//! The layout changes rarely and is small, so its whole state is written, and synced, each time
//! entries are applied, and a snapshot is just the bytes of that state.

use std::io::Cursor;

use kvs_core::Store;
use kvs_core::store::Raw;
use openraft::storage::RaftStateMachine;
use openraft::{AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError};
use serde::{Deserialize, Serialize};

use super::config::{
    Decision, Entry, LogId, Proposal, RaftId, Snapshot, SnapshotMeta, StorageError,
    StoredMembership, Types,
};
use super::error::ConsensusError;
use super::format::{self, FormatError};
use super::log;
use super::published::Published;
use crate::layout::Layout;

const STATE: &[u8] = b"consensus/state";

type IoError = StorageIOError<RaftId>;

/// What the entries applied so far have made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) applied: Option<LogId>,
    pub(crate) membership: StoredMembership,
    pub(crate) layout: Option<Layout>,
}

impl State {
    /// The state kept in a store; the empty one if there is none.
    pub(crate) async fn load(store: &Store) -> Result<Self, StorageError> {
        let state = log::read(&store.synced().raw(), "state of the layout", STATE).await;
        Ok(state.map(Option::unwrap_or_default)?)
    }

    /// A state from the bytes of a snapshot.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        format::decode("snapshot of the layout", bytes)
    }

    /// Applies one entry. The same state and entry give the same result on every node.
    fn apply(&mut self, entry: Entry) -> Decision {
        self.applied = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => Decision::Nothing,
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                Decision::Nothing
            }
            EntryPayload::Normal(proposal) => self.decide(proposal),
        }
    }

    fn decide(&mut self, proposal: Proposal) -> Decision {
        let next = proposal.next;
        let fits = match &self.layout {
            None => proposal.base.is_none(),
            Some(layout) => {
                proposal.base == Some(layout.version())
                    && next.cluster() == layout.cluster()
                    && next.version() > layout.version()
            }
        };
        if !fits {
            return Decision::Stale;
        }
        self.layout = Some(*next);
        Decision::Applied
    }

    fn snapshot(&self) -> Result<Snapshot, StorageError> {
        let failed = |error: FormatError| IoError::read_snapshot(None, AnyError::new(&error));
        let bytes = format::encode("snapshot of the layout", self).map_err(failed)?;
        let meta = SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
            snapshot_id: self.applied.map(|applied| applied.to_string()).unwrap_or_default(),
        };
        Ok(Snapshot { meta, snapshot: Box::new(Cursor::new(bytes)) })
    }
}

/// The layout that the node of a store goes on with when it starts; `None` if it has none yet.
///
/// # Errors
/// The store failed or holds what can't be read.
pub async fn held_layout(store: &Store) -> Result<Option<Layout>, ConsensusError> {
    Ok(State::load(store).await?.layout)
}

/// Applies entries and keeps the result.
pub(crate) struct Machine {
    raw: Raw,
    state: State,
    published: Published,
}

impl Machine {
    /// Goes on with the state kept in `store`, and publishes its layout.
    pub(crate) async fn open(store: &Store, published: Published) -> Result<Self, StorageError> {
        let state = State::load(store).await?;
        if let Some(layout) = &state.layout {
            published.agree(layout);
        }
        Ok(Self { raw: store.synced().raw(), state, published })
    }

    /// Keeps `state` and then goes by it.
    async fn keep(&mut self, state: State) -> Result<(), StorageError> {
        log::write(&self.raw, "state of the layout", STATE, &state).await?;
        self.state = state;
        if let Some(layout) = &self.state.layout {
            self.published.agree(layout);
        }
        Ok(())
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        Ok((self.state.applied, self.state.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Decision>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut state = self.state.clone();
        let decisions = entries.into_iter().map(|entry| state.apply(entry)).collect();
        self.keep(state).await?;
        Ok(decisions)
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder(self.state.clone())
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        _meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let failed = |error: FormatError| IoError::read_snapshot(None, AnyError::new(&error));
        let state = State::decode(snapshot.get_ref()).map_err(failed)?;
        self.keep(state).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        self.state.applied.map(|_| self.state.snapshot()).transpose()
    }
}

/// Makes a snapshot of the state as it was.
pub(crate) struct Builder(State);

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        self.0.snapshot()
    }
}
