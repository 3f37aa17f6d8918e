//! What the rules look at: cargo's view of the workspace, and its text files.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::{Metadata, Package};
use crate::sh::{self, Result};

/// The workspace as the rules see it.
pub(super) struct Workspace {
    pub(super) metadata: Metadata,
    /// Every text file that git tracks, or would on the next `git add`.
    pub(super) files: Vec<File>,
}

/// A text file.
pub(super) struct File {
    /// From the root of the workspace, with slashes.
    pub(super) path: String,
    pub(super) text: String,
}

impl Workspace {
    pub(super) fn load() -> Result<Self> {
        let metadata = Metadata::load()?;
        let files = load_files(&metadata.workspace_root)?;
        Ok(Self { metadata, files })
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Is there a crate of this name in the workspace?
    pub(super) fn has_crate(&self, name: &str) -> bool {
        self.metadata.packages.iter().any(|package| package.name == name)
    }

    /// Every crate with its manifest.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&Package, &File)> {
        self.metadata.packages.iter().filter_map(|package| {
            Some((package, self.file(&self.metadata.relative(&package.manifest_path))?))
        })
    }
}

impl File {
    /// Its lines, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

fn load_files(root: &Path) -> Result<Vec<File>> {
    // The checkout may belong to another user, as in a container.
    let mut git = Command::new("git");
    git.current_dir(root).args(["-c", "safe.directory=*", "ls-files", "-z"]);
    let list = sh::read(git.args(["--cached", "--others", "--exclude-standard"]))?;
    // A path that is gone, or that is no text, is nothing to check.
    let load = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        (!text.contains('\0')).then(|| File { path: path.to_owned(), text })
    };
    Ok(list.split_terminator('\0').filter_map(load).collect())
}

#[cfg(test)]
impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

#[cfg(test)]
impl Workspace {
    /// A workspace at `/ws`, from cargo's description of its crates and the files in it.
    pub(super) fn new(packages: serde_json::Value, files: &[(&str, &str)]) -> Self {
        let metadata = serde_json::json!({
            "packages": packages,
            "workspace_root": "/ws",
            "target_directory": "/ws/target",
        });
        Self {
            metadata: serde_json::from_value(metadata).unwrap(),
            files: files.iter().map(|(path, text)| File::new(path, text)).collect(),
        }
    }
}
