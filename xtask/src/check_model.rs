//! `cargo xtask check-model`: builds the model and explores it.

use std::ffi::OsString;
use std::process::Command;

use crate::cargo::{Metadata, cargo};
use crate::sh::{self, Result};

/// Builds `kvs-model` and runs it. It needs no storage library, so neither does this.
pub(crate) fn run(args: Vec<OsString>) -> Result {
    let metadata = Metadata::load()?;
    sh::run(&mut cargo(["build", "-p", "kvs-model", "--bin", "kvs-model"]))?;
    let args = args.into_iter().filter(|arg| arg != "--");
    sh::hand_over_to(Command::new(metadata.program("kvs-model")).args(args))
}
