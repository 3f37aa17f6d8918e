//! Which records were acknowledged, for whoever checks later that they are there.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};

/// A file with a key in each line, or nothing at all.
pub(super) struct Receipts {
    file: Option<(PathBuf, File)>,
    failed: RefCell<Option<io::Error>>,
}

impl Receipts {
    /// An empty file at `path`, if there is one.
    pub(super) fn create(path: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| match File::create(path) {
            Ok(file) => Ok((path.to_owned(), file)),
            Err(source) => Err(unusable(path, source)),
        };
        Ok(Self { file: path.map(create).transpose()?, failed: RefCell::default() })
    }

    /// Notes that the record `key` was acknowledged. It is with the operating system then, so that
    /// it stays if this process is killed. If it can't be noted, [`Self::check`] tells.
    pub(super) fn note(&self, key: &str) {
        let Some((_, mut file)) = self.file.as_ref().map(|(path, file)| (path, file)) else {
            return;
        };
        if let Err(error) = file.write_all(format!("{key}\n").as_bytes()) {
            self.failed.borrow_mut().get_or_insert(error);
        }
    }

    /// An error if not all could be noted.
    pub(super) fn check(&self) -> Result {
        match (&self.file, self.failed.take()) {
            (Some((path, _)), Some(error)) => Err(unusable(path, error)),
            _ => Ok(()),
        }
    }
}

fn unusable(path: &Path, source: io::Error) -> Failure {
    Failure::input(format!("--acknowledged: {} can't be written", path.display()), source)
}
