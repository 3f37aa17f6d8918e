//! Peak memory of loading.
//!
//! Each load has a process of its own: the peak is the process's.
#![expect(clippy::print_stdout, reason = "the parent process reads it")]

use std::process::Command;

use crate::raw::{self, Engine};
use crate::{Result, embedded};

/// Loads `keys` keys by `engine` and prints the peak of this process's resident memory, in bytes.
pub(crate) fn load(engine: Engine, keys: u64) -> Result {
    let folder = tempfile::tempdir()?;
    embedded::load(engine, folder.path(), keys)?;
    println!("{}", peak_bytes()?);
    Ok(())
}

/// The peak memory of loading `keys` keys by `engine`, in bytes.
pub(crate) fn peak_of_load(engine: Engine, keys: u64) -> Result<u64> {
    let this = std::env::current_exe()?;
    let output =
        Command::new(this).args(["load", raw::name(engine), &keys.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
