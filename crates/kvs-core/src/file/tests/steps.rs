//! Steps that a test takes, on the files and on a model of them.

use std::collections::BTreeMap;

use super::super::{FileError, Files, Result};
use super::data;

/// What the files should be.
pub(super) type Model = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Create(String),
    Append(String, u8, usize),
    Put(String, u8, usize),
    Copy(String, String),
    Delete(String),
    Cleanup,
}

impl Step {
    pub(super) async fn take(&self, files: &Files) -> Result<()> {
        match self {
            Self::Create(name) => files.create(name).await,
            Self::Append(name, seed, len) => {
                files.append_bytes(name, &data(*seed, *len)).await.map(drop)
            }
            Self::Put(name, seed, len) => files.put_bytes(name, &data(*seed, *len)).await.map(drop),
            Self::Copy(from, to) => files.copy(from, to).await.map(drop),
            Self::Delete(name) => files.delete(name).await.map(drop),
            Self::Cleanup => files.cleanup().await.map(drop),
        }
    }

    /// Takes the step on the model; the name of the error if there is to be one.
    pub(super) fn model(&self, files: &mut Model) -> Option<&'static str> {
        match self {
            Self::Create(name) if files.contains_key(name) => return Some("Exists"),
            Self::Create(name) => drop(files.insert(name.clone(), Vec::new())),
            Self::Append(name, seed, len) => match files.get_mut(name) {
                Some(content) => content.extend(data(*seed, *len)),
                None => return Some("NotFound"),
            },
            Self::Put(name, seed, len) => drop(files.insert(name.clone(), data(*seed, *len))),
            Self::Copy(from, to) => match files.get(from).cloned() {
                None => return Some("NotFound"),
                Some(_) if files.contains_key(to) => return Some("Exists"),
                Some(content) => drop(files.insert(to.clone(), content)),
            },
            Self::Delete(name) => drop(files.remove(name)),
            Self::Cleanup => {}
        }
        None
    }
}

/// The name of an error.
pub(super) fn kind(error: &FileError) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '(']).next().unwrap_or_default().to_owned()
}
