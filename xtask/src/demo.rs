//! `cargo xtask demo`: from a fresh checkout to a store at work, in one command.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::cargo::{Metadata, cargo};
use crate::rocksdb;
use crate::sh::{self, Error, Result};

/// Builds `kvs` with the backend asked for and runs its demo.
pub(crate) fn run(args: Vec<OsString>) -> Result {
    let (backend, args) = split(args)?;
    let metadata = Metadata::load()?;
    match backend {
        Backend::Rocksdb => {
            rocksdb::ready(&metadata)?;
            sh::run(&mut cargo(["build", "--workspace", "--bin", "kvs"]))?;
        }
        Backend::Fjall => {
            let features = ["--no-default-features", "--features", "fjall"];
            sh::run(cargo(["build", "-p", "kvs-server", "--bin", "kvs"]).args(features))?;
        }
    }
    let mut kvs = Command::new(metadata.program("kvs"));
    sh::hand_over_to(kvs.args(["demo", "--backend", backend.name()]).args(args))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Rocksdb,
    Fjall,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Self::Rocksdb => "rocksdb",
            Self::Fjall => "fjall",
        }
    }

    fn parse(name: &OsStr) -> Result<Self> {
        [Self::Rocksdb, Self::Fjall].into_iter().find(|backend| name == backend.name()).ok_or_else(
            || {
                let name = name.display();
                Error::Message(format!("--backend {name}: the demo knows rocksdb and fjall"))
            },
        )
    }
}

/// Takes the backend out of the arguments, wherever it stands, and leaves the rest
/// as it is, but for a `--` that only separates them from ours.
fn split(args: Vec<OsString>) -> Result<(Backend, Vec<OsString>)> {
    let mut backend = Backend::Rocksdb;
    let mut rest = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--backend" {
            let name = args.next().ok_or_else(|| "--backend needs a value".to_owned())?;
            backend = Backend::parse(&name)?;
        } else if let Some(name) = arg.to_str().and_then(|arg| arg.strip_prefix("--backend=")) {
            backend = Backend::parse(name.as_ref())?;
        } else if arg != "--" {
            rest.push(arg);
        }
    }
    Ok((backend, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_is_found_anywhere_and_the_rest_passes_through() {
        use Backend::{Fjall, Rocksdb};
        let cases: &[(&str, Backend, &str)] = &[
            ("", Rocksdb, ""),
            ("--json --team Leeds", Rocksdb, "--json --team Leeds"),
            ("--backend fjall", Fjall, ""),
            ("--backend=fjall --json", Fjall, "--json"),
            ("--season 2024 --backend fjall --json", Fjall, "--season 2024 --json"),
            ("--file a.zip --backend=rocksdb", Rocksdb, "--file a.zip"),
            ("--backend fjall -- --data-dir d", Fjall, "--data-dir d"),
        ];
        for (given, backend, rest) in cases {
            let words = |text: &str| text.split_whitespace().map(OsString::from).collect();
            assert_eq!(split(words(given)), Ok((*backend, words(rest))), "{given}");
        }
    }

    #[test]
    fn an_unknown_backend_is_named() {
        for (given, named) in [
            (vec!["--backend", "sled"], "--backend sled"),
            (vec!["--backend=sled"], "--backend sled"),
            (vec!["--json", "--backend"], "needs a value"),
        ] {
            let refused = split(given.into_iter().map(OsString::from).collect());
            assert!(matches!(&refused, Err(Error::Message(m)) if m.contains(named)), "{refused:?}");
        }
    }
}
