//! Clusters of real processes: `kvs serve` many times over, on this machine's loopback, killed, frozen,
//! wiped, drowned in garbage, while clients keep their own list of what was acknowledged.
//!
//! - [`node`]: a process. [`cluster`]: several of them. [`client`]: asking one. [`load`]: writing
//!   through all of them, and checking what is there afterwards.
//! - [`entities`]: histories of feeds, counters and registers under failures, checked.
//! - [`failures`]: what is lost when nodes are, and what takes how long. [`rejoin`]: folders that
//!   are gone or old. [`voters_lost`]: no majority any more. [`refused`]: nodes that must not join.
//!   [`hostile`]: garbage on every port. [`secured`]: keys and certificates. [`disk_full`]: no room on
//!   one replica. [`demo`]: the command line's feeds and leaderboards.
//!
//! Nothing here rests on how fast the machine is: conditions are waited for, up to [`PATIENCE`].

#![allow(clippy::disallowed_methods, reason = "real processes live in real time")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected fails"
)]

mod client;
mod cluster;
mod demo;
mod disk_full;
mod entities;
mod failures;
mod hostile;
mod load;
mod node;
mod refused;
mod rejoin;
mod secured;
mod voters_lost;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Waits until there is something, and gives it; fails with `problem` if nothing comes.
#[track_caller]
fn until<T>(problem: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{}", problem());
        sleep(PERIOD);
    }
}
