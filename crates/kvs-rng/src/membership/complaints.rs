//! Log lines about bad datagrams, few whatever comes in.

use std::net::SocketAddr;
use std::time::Duration;

use super::dropped::Dropped;

/// How long to hold back after a line.
const PAUSE: Duration = Duration::from_secs(5);

/// Writes at most one line in five seconds.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    /// When the next line may be written.
    next: Duration,
    held_back: u64,
}

impl Complaints {
    /// A datagram was dropped.
    pub(super) fn about(&mut self, now: Duration, from: SocketAddr, dropped: &Dropped) {
        if let Some(held_back) = self.due(now) {
            tracing::warn!(%from, held_back, "a membership datagram was dropped: {dropped}");
        }
    }

    /// If a line may be written: how many were not since the last.
    fn due(&mut self, now: Duration) -> Option<u64> {
        if now < self.next {
            self.held_back += 1;
            return None;
        }
        self.next = now.saturating_add(PAUSE);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_few_and_tell_how_many_there_could_have_been() {
        let mut complaints = Complaints::default();
        let at = Duration::from_secs;
        assert_eq!(complaints.due(at(1)), Some(0));
        assert_eq!(complaints.due(at(2)), None);
        assert_eq!(complaints.due(at(5)), None);
        assert_eq!(complaints.due(at(6)), Some(2));
        assert_eq!(complaints.due(at(20)), Some(0));
    }
}
