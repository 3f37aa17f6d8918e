//! How fast a node may come back.

use std::time::Duration;

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// After this long without a return all is well again.
const CALM: Duration = Duration::from_secs(30);

/// Limits how often a node that others call down comes back: at once the first time, then after pauses
/// that double. Without that, two processes that claim one node would answer each other without end.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Duration>,
    pause: Duration,
}

impl Pace {
    /// When it may come back if it is declared down now.
    pub(super) fn next(&self, now: Duration) -> Duration {
        self.last.map_or(now, |last| now.max(last.saturating_add(self.pause)))
    }

    /// It came back. True if it did so too often for an accident.
    pub(super) fn renewed(&mut self, now: Duration) -> bool {
        let calm = self.last.is_none_or(|last| now.saturating_sub(last) > CALM);
        self.pause = if calm { PAUSE_MIN } else { (self.pause * 2).min(PAUSE_MAX) };
        self.last = Some(now);
        self.pause == PAUSE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_forgotten() {
        let mut pace = Pace::default();
        let mut now = Duration::from_secs(1);
        assert_eq!(pace.next(now), now);
        let mut complaints = 0;
        let mut last_pause = Duration::ZERO;
        for _ in 0..10 {
            complaints += u32::from(pace.renewed(now));
            let pause = pace.next(now) - now;
            assert!(pause > last_pause || pause == PAUSE_MAX);
            (last_pause, now) = (pause, now + pause);
        }
        assert_eq!(last_pause, PAUSE_MAX);
        assert!(complaints > 0);
        now += CALM;
        assert!(!pace.renewed(now));
        assert_eq!(pace.next(now), now + PAUSE_MIN);
        assert_eq!(pace.next(now + CALM), now + CALM);
    }
}
