//! `cargo xtask sim`: builds the simulation and runs seeds of it.

use std::ffi::OsString;
use std::process::Command;

use crate::cargo::{Metadata, cargo};
use crate::sh::{self, Result};

/// Builds `kvs-sim` and runs it. It needs no storage library, so neither does this.
pub(crate) fn run(args: Vec<OsString>) -> Result {
    let metadata = Metadata::load()?;
    sh::run(&mut cargo(["build", "-p", "kvs-sim", "--bin", "kvs-sim"]))?;
    let args = args.into_iter().filter(|arg| arg != "--");
    sh::hand_over_to(Command::new(metadata.program("kvs-sim")).args(args))
}
