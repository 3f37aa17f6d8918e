//! Log lines about clocks that are wrong, few whatever comes in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::identity::NodeId;
use crate::version::ClockAhead;

/// How long to hold back after a line.
const PAUSE: Duration = Duration::from_secs(60);

/// Writes at most one line a minute.
#[derive(Default)]
pub(super) struct WrongClocks(Mutex<Option<Instant>>);

impl WrongClocks {
    /// A write of `minter` came with a timestamp that is not followed.
    pub(super) fn about(&self, us: NodeId, minter: NodeId, ahead: &ClockAhead) {
        if self.is_due() {
            tracing::warn!(node = %us, %minter, "a write is stored whose clock was wrong: {ahead}");
        }
    }

    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= PAUSE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_are_few() {
        let clocks = WrongClocks::default();
        assert!(clocks.is_due() && !clocks.is_due());
        tokio::time::advance(PAUSE).await;
        assert!(clocks.is_due() && !clocks.is_due());
    }
}
