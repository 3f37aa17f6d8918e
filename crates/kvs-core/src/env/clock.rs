//! Time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970 UTC. May jump, in either direction.
    fn now_ms(&self) -> u64;

    /// Time since some fixed moment. Never goes back.
    fn monotonic(&self) -> Duration;

    /// The same, by a clock that also runs while the machine sleeps, where there is one.
    fn since_boot(&self) -> Duration {
        self.monotonic()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the seam")]
impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the seam")]
impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn since_boot(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        let now = clock_gettime(ClockId::Boottime);
        let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), nanos)
    }
}

/// A clock that moves when it is told to.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
    start_ms: u64,
}

impl ManualClock {
    /// A clock that says `now_ms`.
    pub fn new(now_ms: u64) -> Self {
        Self { now_ms: AtomicU64::new(now_ms), start_ms: now_ms }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now_ms() - self.start_ms)
    }
}
