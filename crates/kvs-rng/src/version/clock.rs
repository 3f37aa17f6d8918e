//! The hybrid logical clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kvs_core::env::{Clock, Env};
use thiserror::Error;

use super::timestamp::Timestamp;

/// How far ahead of the system clock a timestamp may be by default.
pub const AHEAD_MAX: Duration = Duration::from_secs(60);

/// Gives out timestamps that follow the system clock and never go back (Kulkarni et al., *Logical
/// Physical Clocks*, OPODIS 2014).
///
/// # A clock that is wrong
/// A node whose system clock is far ahead gives its writes timestamps from the future. Replicas keep
/// such a write like any other, or they would not converge. What it can do is bounded:
/// - It does not drag other clocks along: [`observe`](Self::observe) ignores what
///   [`check`](Self::check) refuses, so a node can always go on minting near its own system clock.
/// - A write that builds on it replaces it, by causality, whatever their timestamps.
/// - Between *concurrent* writes it wins as the latest, until something that has seen it is written.
///
/// A system clock that was far ahead and is set back leaves this clock ahead of it until time has
/// caught up or the process is started again; `check` tells.
pub struct HybridClock {
    clock: Arc<dyn Clock>,
    ahead_max: Duration,
    /// The bits of the latest timestamp given out or observed.
    latest: AtomicU64,
}

/// A timestamp is too far in the future. Nothing changed; it may be tried again when that time has
/// come, or once the clock that is wrong is set right.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the timestamp {stamp} is {ahead_ms} ms ahead of this node's system clock, {limit_ms} ms are \
     allowed; one of the two clocks is wrong"
)]
pub struct ClockAhead {
    /// The timestamp.
    pub stamp: Timestamp,
    /// How far it is ahead, in milliseconds.
    pub ahead_ms: u64,
    /// How far it may be ahead, in milliseconds.
    pub limit_ms: u64,
}

impl HybridClock {
    /// A clock over the system clock of `env` that takes timestamps up to `ahead_max` ahead of it;
    /// [`AHEAD_MAX`] suits machines whose clocks are kept by NTP.
    pub fn new(env: &Env, ahead_max: Duration) -> Self {
        Self { clock: env.clock.clone(), ahead_max, latest: AtomicU64::new(0) }
    }

    /// A timestamp that is later than each one before it, and not before the system clock. (From the
    /// year 10889 on they stand still.)
    pub fn now(&self) -> Timestamp {
        let system = Timestamp::from_ms(self.clock.now_ms());
        let following = |latest| Timestamp::from_bits(latest).next().max(system);
        let mut latest = self.latest.load(Ordering::Relaxed);
        loop {
            let next = following(latest);
            let swapped = self.latest.compare_exchange_weak(
                latest,
                next.to_bits(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return next,
                Err(newer) => latest = newer,
            }
        }
    }

    /// Takes note of a timestamp of another node, so that [`now`](Self::now) is later from here on.
    /// One that is too far ahead is ignored.
    pub fn observe(&self, stamp: Timestamp) {
        if self.check(stamp).is_ok() {
            self.latest.fetch_max(stamp.to_bits(), Ordering::Relaxed);
        }
    }

    /// Refuses a timestamp that is too far ahead of the system clock.
    ///
    /// For minting only: a write that has been minted is stored by every replica, or they would not
    /// converge.
    pub fn check(&self, stamp: Timestamp) -> Result<(), ClockAhead> {
        let ahead_ms = stamp.ms().saturating_sub(Timestamp::from_ms(self.clock.now_ms()).ms());
        let limit_ms = u64::try_from(self.ahead_max.as_millis()).unwrap_or(u64::MAX);
        if ahead_ms > limit_ms {
            return Err(ClockAhead { stamp, ahead_ms, limit_ms });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system clock that can be set, also back.
    struct Settable(AtomicU64);

    impl Clock for Settable {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn clock(now_ms: u64) -> (HybridClock, Arc<Settable>) {
        let system = Arc::new(Settable(AtomicU64::new(now_ms)));
        let env = Env { clock: system.clone(), ..Env::manual(0, 0).0 };
        (HybridClock::new(&env, AHEAD_MAX), system)
    }

    #[test]
    fn it_follows_the_system_clock_and_never_goes_back() {
        let (clock, system) = clock(1000);
        let mut before = clock.now();
        assert_eq!(before, Timestamp::from_ms(1000));
        for now_ms in [1000, 1000, 1001, 5, 2000, 0] {
            system.0.store(now_ms, Ordering::SeqCst);
            let now = clock.now();
            assert!(now > before && now >= Timestamp::from_ms(now_ms), "{now} after {before}");
            before = now;
        }
        assert_eq!(before, Timestamp::from_ms(2000).next());
    }

    #[test]
    fn a_crowded_millisecond_borrows_from_the_next() {
        let (clock, _) = clock(1000);
        let last = (0..=1 << 16).map(|_| clock.now()).last().unwrap();
        assert_eq!(last, Timestamp::from_ms(1001));
    }

    #[test]
    fn what_is_observed_is_before_what_comes() {
        let (clock, _) = clock(1000);
        let other = Timestamp::from_ms(3000);
        clock.observe(other);
        clock.observe(Timestamp::from_ms(2000));
        assert_eq!(clock.now(), other.next());
    }

    #[test]
    fn a_far_future_is_refused_and_drags_nobody_along() {
        let (clock, system) = clock(1000);
        assert_eq!(clock.check(Timestamp::from_ms(61_000)), Ok(()));
        let far = Timestamp::from_ms(61_001);
        let refused = ClockAhead { stamp: far, ahead_ms: 60_001, limit_ms: 60_000 };
        assert_eq!(clock.check(far), Err(refused));
        assert!(refused.to_string().contains("60001 ms ahead"));

        clock.observe(far);
        clock.observe(Timestamp::from_bits(u64::MAX));
        let now = clock.now();
        assert_eq!(now, Timestamp::from_ms(1000));
        assert_eq!(clock.check(now), Ok(()));

        system.0.store(1001, Ordering::SeqCst);
        clock.observe(far);
        assert_eq!(clock.now(), far.next());
    }

    #[test]
    fn threads_never_share_a_timestamp() {
        let (clock, _) = clock(1000);
        let mut all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).map(|_| clock.now()).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4000);
    }
}
