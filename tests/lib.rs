//! Tests across the crates; see the binaries in this folder.
