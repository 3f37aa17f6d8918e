//! Holding writes back for a moment.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::ReplicaError;
use super::handle::Replica;

/// Until when nothing is minted.
#[derive(Default)]
pub(super) struct Hold(Mutex<Option<Instant>>);

impl Hold {
    fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Refuses to mint while writes are held back.
    pub(super) fn check(&self) -> Result<(), ReplicaError> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match until {
            Some(until) if Instant::now() < until => Err(ReplicaError::Held),
            _ => Ok(()),
        }
    }
}

impl Replica {
    /// Whether nothing is held here at all; if so, nothing is minted for `time`, or until
    /// [`release`](Self::release). For changes of the layout that data must not slip into.
    pub async fn hold_if_empty(&self, time: Duration) -> Result<bool, ReplicaError> {
        let hold = &self.inner().hold;
        hold.set(Some(Instant::now() + time));
        // What began before is seen below; what begins after is refused.
        self.inner().buckets.wait_for_all().await;
        let empty = self.is_empty().await;
        if !matches!(empty, Ok(true)) {
            hold.set(None);
        }
        empty
    }

    /// Lets writes go on.
    pub fn release(&self) {
        self.inner().hold.set(None);
    }
}
