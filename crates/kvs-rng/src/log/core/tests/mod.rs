//! Tests of the core.

mod owner;
mod schedules;
