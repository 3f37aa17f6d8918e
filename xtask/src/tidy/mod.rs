//! `cargo xtask tidy`: the rules of the code base that no compiler knows.
//!
//! Each rule is a module with a function from the workspace to what violates the
//! rule there. All violations are printed, as `path:line: what`.

use std::fmt;

use crate::sh::{Error, Result};

mod architecture;
mod docs;
mod inheritance;
mod layers;
mod manifest;
mod paths;
mod registry;
mod size;
mod uses;
mod workspace;

use workspace::Workspace;

/// The rules, in the order of this page's modules.
const RULES: &[fn(&Workspace) -> Vec<Violation>] = &[
    architecture::check,
    docs::check,
    inheritance::check,
    paths::check,
    registry::check,
    size::check,
    uses::check,
];

/// Checks every rule. With `write`, first brings up to date what is generated.
pub(crate) fn run(write: bool) -> Result {
    let mut workspace = Workspace::load()?;
    if write {
        architecture::write(&workspace.metadata.workspace_root)?;
        workspace = Workspace::load()?;
    }
    let mut violations: Vec<_> = RULES.iter().flat_map(|rule| rule(&workspace)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            eprintln!("tidy: {} files, all in order", workspace.files.len());
            Ok(())
        }
        1 => Err(Error::Message("tidy: 1 violation".to_owned())),
        count => Err(Error::Message(format!("tidy: {count} violations"))),
    }
}

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
