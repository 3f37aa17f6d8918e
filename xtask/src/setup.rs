//! `cargo xtask setup`: what RocksDB is compiled with, found or installed.
//!
//! RocksDB is C++, and its Rust bindings are generated at build time through
//! libclang. Nothing else in the workspace needs either.

use std::path::PathBuf;

use crate::sh::{Error, Result};

mod apt;
mod cxx;
mod libclang;

const BY_HAND: &str = "\
RocksDB needs libclang (with its headers) and a C++20 compiler. Install them with

    Debian, Ubuntu   apt-get install libclang-dev g++
    Fedora           dnf install clang-devel gcc-c++
    Arch             pacman -S clang gcc
    macOS            xcode-select --install

A libclang elsewhere is found through LIBCLANG_PATH, a compiler through CXX.
`cargo xtask demo --backend fjall` needs none of this.";

/// Sets the machine up and says what was found.
pub(crate) fn run() -> Result {
    ensure()?;
    let found = Tools::find();
    for (tool, path) in [("libclang", found.libclang), ("C++ compiler", found.cxx)] {
        if let Some(path) = path {
            eprintln!("{tool}: {}", path.display());
        }
    }
    eprintln!("ready to compile RocksDB");
    Ok(())
}

/// Installs what is missing where that is possible without asking; quick and silent
/// when nothing is missing.
pub(crate) fn ensure() -> Result {
    let missing = Tools::find().missing();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("missing for RocksDB: {}", missing.join(", "));
    if let Some(apt) = apt::Apt::find() {
        apt.install(&missing)?;
    }
    match Tools::find().missing() {
        missing if missing.is_empty() => Ok(()),
        missing => Err(Error::Message(format!("missing: {}\n\n{BY_HAND}", missing.join(", ")))),
    }
}

/// What was found on this machine.
struct Tools {
    libclang: Option<PathBuf>,
    cxx: Option<PathBuf>,
}

impl Tools {
    fn find() -> Self {
        Self { libclang: libclang::find(), cxx: cxx::find() }
    }

    /// What is missing, by the names of Debian's packages.
    fn missing(&self) -> Vec<&'static str> {
        let tools = [("libclang-dev", &self.libclang), ("g++", &self.cxx)];
        tools.into_iter().filter(|(_, path)| path.is_none()).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_named() {
        let there = || Some(PathBuf::from("there"));
        let cases = [
            (there(), there(), vec![]),
            (None, there(), vec!["libclang-dev"]),
            (there(), None, vec!["g++"]),
            (None, None, vec!["libclang-dev", "g++"]),
        ];
        for (libclang, cxx, missing) in cases {
            assert_eq!(Tools { libclang, cxx }.missing(), missing);
        }
    }
}
