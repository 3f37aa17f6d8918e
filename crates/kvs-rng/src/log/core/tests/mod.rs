//! Tests of the core.

mod schedules;
