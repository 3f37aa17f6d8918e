//! Timing two sides in turn.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::Result;

/// How many turns each side takes.
const ROUNDS: u64 = 20;

/// Operations and the time they took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Speed {
    operations: u64,
    took: Duration,
}

impl Speed {
    /// Operations per second.
    pub(crate) fn per_second(self) -> f64 {
        self.operations as f64 / self.took.as_secs_f64()
    }

    fn add(&mut self, operations: Range<u64>, work: impl FnOnce(Range<u64>) -> Result) -> Result {
        self.operations += operations.end - operations.start;
        let start = now();
        work(operations)?;
        self.took += start.elapsed();
        Ok(())
    }
}

/// Times `work` on the operations `0..n`.
pub(crate) fn time(n: u64, work: impl FnOnce(Range<u64>) -> Result) -> Result<Speed> {
    let mut speed = Speed::default();
    speed.add(0..n, work)?;
    Ok(speed)
}

/// Times two sides on the operations `0..n`, in turns.
pub(crate) fn in_turns(
    n: u64,
    mut one: impl FnMut(Range<u64>) -> Result,
    mut other: impl FnMut(Range<u64>) -> Result,
) -> Result<(Speed, Speed)> {
    let mut speeds = (Speed::default(), Speed::default());
    for round in 0..ROUNDS {
        let operations = n * round / ROUNDS..n * (round + 1) / ROUNDS;
        // Whoever goes second finds the machine as the first one left it; take turns at that too.
        if round % 2 == 0 {
            speeds.0.add(operations.clone(), &mut one)?;
            speeds.1.add(operations, &mut other)?;
        } else {
            speeds.1.add(operations.clone(), &mut other)?;
            speeds.0.add(operations, &mut one)?;
        }
    }
    Ok(speeds)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
