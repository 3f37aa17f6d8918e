//! `cargo xtask test`: every test of every crate, with every backend.

use std::ffi::OsString;

use crate::cargo::{Metadata, cargo};
use crate::rocksdb;
use crate::sh::{self, Result};

/// Runs `cargo test` over the workspace; the last words are cargo's.
pub(crate) fn run(args: &[OsString]) -> Result {
    rocksdb::ready(&Metadata::load()?)?;
    sh::run(cargo(["test", "--workspace", "--all-features"]).args(args))
}
