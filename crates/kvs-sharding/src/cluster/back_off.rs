//! How long and how often a message is tried.

use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::Random;
use tokio::time::{Instant, sleep_until};

/// Most tries of one message. With the pauses between them they last longer than the default
/// deadline.
pub const TRIES_MAX: usize = 32;

/// How long a message goes on being tried while nobody can own its entity, or the owner doesn't have
/// the region yet.
pub const PATIENCE: Duration = Duration::from_secs(1);

const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(320);

/// Pauses that double, each shortened by chance, so that callers don't come back all at once.
pub(super) struct BackOff {
    random: Arc<dyn Random>,
    pause: Duration,
    tries: usize,
    deadline: Instant,
    /// The last try was made without a pause.
    was_sent_on: bool,
}

impl BackOff {
    pub(super) fn new(random: Arc<dyn Random>, deadline: Instant) -> Self {
        Self { random, pause: PAUSE_MIN, tries: 1, deadline, was_sent_on: false }
    }

    /// Another node is said to know better: goes there at once, or after a pause if the last try
    /// came that way too, for two nodes may name each other. Whether there may be another try.
    pub(super) async fn sent_on(&mut self) -> bool {
        if self.was_sent_on {
            return self.pause().await;
        }
        self.was_sent_on = true;
        self.again()
    }

    fn again(&mut self) -> bool {
        self.tries += 1;
        self.tries <= TRIES_MAX && Instant::now() < self.deadline
    }

    /// Waits; then whether there may be another try.
    pub(super) async fn pause(&mut self) -> bool {
        if self.tries >= TRIES_MAX {
            return false;
        }
        self.was_sent_on = false;
        let half = self.pause / 2;
        let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        let pause = half + Duration::from_micros(self.random.next_u64() % half_us);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        sleep_until((Instant::now() + pause).min(self.deadline)).await;
        self.again()
    }
}
