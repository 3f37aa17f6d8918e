//! Simulated time, and clocks that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use kvs_core::env::Clock;

/// When simulations begin, in milliseconds since 1970 UTC.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// The true time of a simulation, in milliseconds since it began. Clones are handles of the same.
#[derive(Clone, Debug, Default)]
pub struct Time(Arc<AtomicU64>);

impl Time {
    /// Milliseconds since the simulation began.
    pub fn ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves on.
    pub fn set(&self, elapsed: Duration) {
        self.0.store(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

/// A node's system clock: the true time and an offset that may jump. Clones are handles of the same.
#[derive(Clone, Debug)]
pub struct SimClock {
    time: Time,
    offset_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// A clock that is right.
    pub fn new(time: Time) -> Self {
        Self { time, offset_ms: Arc::default() }
    }

    /// Lets it be `offset_ms` ahead of the true time; behind it if negative.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        (EPOCH_MS + self.time.ms()).saturating_add_signed(self.offset_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.time.ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_jumps_and_the_monotonic_one_does_not() {
        let time = Time::default();
        let clock = SimClock::new(time.clone());
        time.set(Duration::from_secs(5));
        assert_eq!(clock.now_ms(), EPOCH_MS + 5000);
        clock.set_offset(-6000);
        assert_eq!(clock.now_ms(), EPOCH_MS - 1000);
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
    }
}
