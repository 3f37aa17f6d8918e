//! Getting ready to build RocksDB, which is by far the longest thing built here.

use std::fs;

use crate::cargo::Metadata;
use crate::setup;
use crate::sh::Result;

const NOTICE: &str = "\
RocksDB is not compiled yet. Compiling it takes about 20 minutes on two cores, once; cargo
is silent meanwhile. `cargo xtask demo --backend fjall` shows the store without it.";

/// Sets the machine up, and says so if a long wait is ahead.
///
/// RocksDB is compiled once only if every build selects the whole workspace: then
/// the features of what it is built with are the same each time.
pub(crate) fn ready(metadata: &Metadata) -> Result {
    setup::ensure()?;
    if !is_compiled(metadata) {
        eprintln!("\n{NOTICE}\n");
    }
    Ok(())
}

fn is_compiled(metadata: &Metadata) -> bool {
    let Ok(entries) = fs::read_dir(metadata.build_scripts()) else { return false };
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("librocksdb-sys-")
            && entry.path().join("out/librocksdb.a").is_file()
    })
}
