//! `cargo xtask ci`: all that a change must pass, the quickest to fail first.

use std::env;
use std::time::Instant;

use crate::cargo::{Metadata, cargo};
use crate::sh::{self, Error, Result};
use crate::{rocksdb, test, tidy};

/// Runs the steps in order up to the first that fails. The tests come last, so that
/// their result is the last thing on the screen.
pub(crate) fn run(no_test: bool) -> Result {
    let metadata = Metadata::load()?;
    env::set_current_dir(&metadata.workspace_root)
        .map_err(|e| Error::Message(format!("{}: {e}", metadata.workspace_root.display())))?;

    step("format", || sh::run(&mut cargo(["fmt", "--all", "--check"])))?;
    step("tidy", || tidy::run(false))?;
    step("setup", || rocksdb::ready(&metadata))?;
    step("lints", lints)?;
    step("build without C++", build_without_cpp)?;
    step("documentation", documentation)?;
    step("dependencies", dependencies)?;
    if no_test {
        return Ok(());
    }
    heading("tests");
    test::run(&[])
}

fn lints() -> Result {
    let what = ["clippy", "--workspace", "--all-features", "--all-targets"];
    sh::run(cargo(what).args(["--", "-D", "warnings"]))
}

fn build_without_cpp() -> Result {
    sh::run(&mut cargo(["check", "-p", "kvs", "--no-default-features", "--features", "fjall"]))
}

fn documentation() -> Result {
    let what = ["doc", "--workspace", "--all-features", "--no-deps"];
    sh::run(cargo(what).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Advisories, licences and sources, by `cargo deny`, which not everybody has.
fn dependencies() -> Result {
    if sh::ask(&mut cargo(["deny", "--version"])).is_none() {
        eprintln!("skipped: cargo-deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    sh::run(&mut cargo(["deny", "check"]))
}

#[expect(clippy::disallowed_methods, reason = "the clock on the wall is what is asked for")]
fn step(name: &str, action: impl FnOnce() -> Result) -> Result {
    heading(name);
    let start = Instant::now();
    let outcome = action();
    let verdict = if outcome.is_ok() { "passed" } else { "failed" };
    eprintln!("{name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

fn heading(name: &str) {
    eprintln!("\n== {name}");
}
