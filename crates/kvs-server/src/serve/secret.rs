//! Passwords and keys, which come from files.

use std::fmt;
use std::hint::black_box;
use std::path::Path;

use crate::error::{Failure, Result};

/// A password or key. It isn't shown when printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// Reads a secret from the file `path`, without the white space around it.
    ///
    /// # Errors
    /// A file that can't be read, or that holds nothing.
    pub(crate) fn read(path: &Path, what: &str) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read(path)
            .map_err(|source| Failure::input(format!("{what}: {name} can't be read"), source))?;
        let secret = text.trim_ascii();
        if secret.is_empty() {
            return Err(Failure::Refused(format!("{what}: {name} is empty")));
        }
        Ok(Self(secret.to_vec()))
    }

    /// The secret's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, for a client that has to give it.
    ///
    /// # Errors
    /// A secret that is no UTF-8.
    pub(crate) fn text(&self, what: &str) -> Result<&str> {
        str::from_utf8(&self.0)
            .map_err(|_binary| Failure::Refused(format!("{what}: the password isn't UTF-8")))
    }

    /// Whether `given` is this secret. How long that takes tells nothing about where they differ,
    /// only whether they are of one length.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let pairs = self.0.iter().zip(given);
        let difference = pairs.fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
        self.0.len() == given.len() && difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_without_the_space_around_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = |content: &str| {
            let path = dir.path().join("secret");
            std::fs::write(&path, content).unwrap();
            Secret::read(&path, "--password-file")
        };
        let secret = file(" pass word\n").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for (given, right) in [
            ("pass word", true),
            ("pass worD", false),
            ("pass wor", false),
            ("pass word ", false),
            ("", false),
        ] {
            assert_eq!(secret.is(given.as_bytes()), right, "{given:?}");
        }
        let empty = file(" \n").unwrap_err().to_string();
        assert!(empty.starts_with("--password-file: ") && empty.ends_with("is empty"), "{empty}");
        let missing = Secret::read(&dir.path().join("none"), "--password-file").unwrap_err();
        assert!(missing.to_string().contains("none can't be read"), "{missing}");
    }
}
