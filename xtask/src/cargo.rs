//! Cargo, and what it knows of the workspace.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::sh::{self, Error, Result};

/// The cargo that runs us, about to be given `args`.
///
/// `cargo run` describes xtask's own package in the environment. Build scripts that
/// watch those variables would run again under us and once more under a plain
/// `cargo`, so they are taken out.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let of_our_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if of_our_package.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// The answer of `cargo metadata`, as far as the chores need it.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
    target_directory: PathBuf,
    build_directory: Option<PathBuf>,
}

/// A crate of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
}

/// One dependency of a crate.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for a normal dependency.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
}

/// One thing cargo builds from a crate.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    /// Asks cargo about the workspace.
    pub(crate) fn load() -> Result<Self> {
        let json = sh::read(&mut cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
        serde_json::from_str(&json)
            .map_err(|e| Error::Message(format!("cargo metadata is not as expected: {e}")))
    }

    /// Where cargo leaves the program `name` of the profile that everything here uses.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target_directory.join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Where cargo keeps what build scripts of that profile produced.
    pub(crate) fn build_scripts(&self) -> PathBuf {
        self.build_directory.as_ref().unwrap_or(&self.target_directory).join("debug/build")
    }

    /// A path as people name it: from the root of the workspace, with slashes.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.workspace_root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_understood() {
        let metadata = Metadata::load().unwrap();
        let xtask = metadata.packages.iter().find(|package| package.name == "xtask").unwrap();
        assert_eq!(metadata.relative(&xtask.manifest_path), "xtask/Cargo.toml");
    }
}
