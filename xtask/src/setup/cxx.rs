//! Is there a C++ compiler?

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::sh;

/// The compiler the build will call, `$CXX` or else `c++`, if it does what RocksDB
/// asks of it: C++20 with a standard library.
pub(crate) fn find() -> Option<PathBuf> {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    // `$CXX` may hold more words than one, as in `ccache g++`.
    let mut words = compiler.split_whitespace();
    let check = ["-std=c++20", "-include", "cstdint", "-fsyntax-only", "-x", "c++", "/dev/null"];
    sh::ask(Command::new(words.next()?).args(words).args(check))?;
    Some(compiler.into())
}
