//! Seams: time, randomness, tasks and the network come from here, so that a simulation can replace
//! them.

mod blocking;
mod clock;
#[cfg(feature = "net")]
pub mod net;
mod random;
mod spawn;

use std::sync::Arc;

pub use blocking::{blocking, in_background, uncancelled};
pub use clock::{Clock, ManualClock, SystemClock};
pub use random::{Random, SeededRandom, SystemRandom};
pub use spawn::{Background, spawn};

/// What a store takes from its surroundings.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
}

impl Env {
    /// The operating system's clock and random source.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::default()), random: Arc::new(SystemRandom) }
    }

    /// A clock that stands still at `now_ms` until it is moved, and random bytes from `seed`.
    pub fn manual(now_ms: u64, seed: u64) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(now_ms));
        (Self { clock: clock.clone(), random: Arc::new(SeededRandom::new(seed)) }, clock)
    }
}

impl Default for Env {
    fn default() -> Self {
        Self::system()
    }
}
