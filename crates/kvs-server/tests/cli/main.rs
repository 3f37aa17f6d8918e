//! The program `kvs` from outside: what it prints, and how it ends.
//!
//! Most tests are scripts: commands, and below each what it should print. See [`store::Store::play`].

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected fails"
)]

mod bad_input;
mod connect;
mod demo;
mod dump;
mod feed;
mod file;
mod leaderboard;
mod output;
mod record;
mod serve;
mod sorted;
mod store;
