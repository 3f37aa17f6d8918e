//! The log of a bucket.

pub mod core;
pub mod entry;

pub use entry::{Command, Entry, Epoch, Payload, Position};
