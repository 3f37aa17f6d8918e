//! Points in time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits of the logical counter.
const LOGICAL_BITS: u32 = 16;
/// The last millisecond that fits, in the year 10889.
const MS_MAX: u64 = u64::MAX >> LOGICAL_BITS;

/// A point in hybrid logical time: 48 bits of milliseconds since 1970 UTC, then 16 bits that tell
/// apart what happened within one.
///
/// It decides between *concurrent* writes, and only if the resolver asks for it; which write
/// descends from which is told by dots alone. [`HybridClock`](super::HybridClock) gives them out.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The first moment of the millisecond `ms` since 1970 UTC; the last one that fits if `ms` is
    /// later than that.
    pub fn from_ms(ms: u64) -> Self {
        Self(ms.min(MS_MAX) << LOGICAL_BITS)
    }

    /// The timestamp with these bits; any bits are one.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All 64 bits. They are ordered as the timestamps are.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// Milliseconds since 1970 UTC.
    pub fn ms(self) -> u64 {
        self.0 >> LOGICAL_BITS
    }

    /// The counter within the millisecond.
    pub fn logical(self) -> u16 {
        self.0 as u16
    }

    /// The next one: the counter goes up, and over into the next millisecond. The last of all is its
    /// own next.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms + {}", self.ms(), self.logical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_runs_over_into_the_next_millisecond() {
        let first = Timestamp::from_ms(7);
        assert_eq!((first.ms(), first.logical()), (7, 0));
        assert_eq!((first.next().ms(), first.next().logical()), (7, 1));
        let last = Timestamp::from_bits(first.to_bits() | 0xFFFF);
        assert_eq!(last.next(), Timestamp::from_ms(8));
    }

    #[test]
    fn the_end_of_time_is_not_the_beginning() {
        assert_eq!(Timestamp::from_ms(u64::MAX).ms(), MS_MAX);
        let last = Timestamp::from_bits(u64::MAX);
        assert_eq!(last.next(), last);
    }
}
