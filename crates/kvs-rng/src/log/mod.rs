//! The log of a bucket.

pub mod core;
pub mod entry;

pub use entry::{Command, Entry, Epoch, Payload, Position};

mod bucket;
mod counters;
mod driver;
mod entities;
mod error;
mod format;
mod held;
mod logs;
mod lost;
mod outbox;
mod overlay;
mod owners;
mod owning;
mod reach;
mod rows;
mod snapshot;
mod tail;
#[cfg(test)]
mod tests;
mod ticker;
mod writer;
mod writes;

pub use counters::LogCounters;
pub use entities::{COMMAND_TIMEOUT, COMMANDS_MAX, Entities, UNCOMMITTED_BYTES_MAX};
pub use held::HELD_BYTES_MAX;
pub use logs::{CALL, Logs, OWNS, REQUEST, Start};
pub use owners::{BODY_MAX, Owner, OwnerCallError, Owners, REGION_NAME_MAX, RegionHandler};
pub use tail::CommittedRows;
pub use writes::{WRITES_BYTES_MAX, Writes};
