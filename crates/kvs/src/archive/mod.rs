//! A whole store in one zip file.
//!
//! ```text
//! archive.zip
//! ├── rows/00000000     rows in key order: key length u32, value length u32, key, value (big-endian)
//! ├── rows/00000001     …
//! ├── manifest.json     format, version, and for each part its rows, bytes and BLAKE3 checksum
//! └── zip comment       64 hex digits: BLAKE3 of every byte of the file before them
//! ```
//!
//! The rows are of one moment; writers are not stopped while it is saved. An archive is checked
//! whole before anything is loaded: one that was cut off or altered, however little, is refused.
//! Rows are the stored rows of [`kvs_core::format`], the same for all backends, so an archive of one
//! loads into any other. Saving holds one part in memory, loading one part at a time (4 MiB, or one
//! large row more).

mod manifest;
mod part;
mod read;
mod write;

use std::path::{Path, PathBuf};

use kvs_core::{DbaError, Outcome, Snapshot, stream};
use thiserror::Error;

use crate::error::Result;
use crate::kvs::Kvs;

/// Why an archive could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file could not be read or written. Nothing was loaded.
    #[error("archive {}: {source}", path.display())]
    Io {
        /// The archive.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is no archive, or was cut off or altered, or is of a newer release. Nothing was
    /// loaded.
    #[error("archive {} is refused: {problem}; nothing was loaded", path.display())]
    Refused {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl ArchiveError {
    /// Whether anything may have changed: never.
    pub fn outcome(&self) -> Outcome {
        Outcome::NotApplied
    }
}

/// How far a save or load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows done so far.
    pub rows: u64,
    /// Rows in all, where that is known.
    pub total: Option<u64>,
}

impl Kvs {
    /// Saves the whole store to the archive `path`, as of now, and gives the number of rows.
    ///
    /// A file that is there is replaced once the new one is whole and on disk. `progress` is called
    /// now and then.
    pub async fn save(
        &self,
        path: impl AsRef<Path>,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64> {
        let mut writer = write::ArchiveWriter::create(path.as_ref()).await?;
        let mut pages = self.embedded("saving to an archive")?.save();
        while let Some(page) = stream::next(&mut pages).await {
            let rows;
            (writer, rows) = writer.add(page?).await?;
            progress(Progress { rows, total: None });
        }
        writer.finish().await
    }

    /// Loads the archive `path` into the store, over what is there, and gives the number of rows.
    ///
    /// Loaded data takes priority: a record replaces the record of the same key, an entity the whole
    /// entity of the same name; everything else stays. The archive is checked whole before the first
    /// row is written. Should a write fail after that, loading again mends it. No command should run
    /// on the loaded entities meanwhile.
    pub async fn load(
        &self,
        path: impl AsRef<Path>,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<u64> {
        let store = self.embedded("loading an archive")?;
        let reader = read::ArchiveReader::open(path.as_ref()).await?;
        let loaded = store.load(reader.pages(progress)).await;
        self.entities_were_loaded();
        Ok(loaded?)
    }
}

/// An error in a stream that the store reads.
fn in_stream(error: ArchiveError) -> DbaError {
    DbaError::Io { what: "archive".to_owned(), source: std::io::Error::other(error) }
}
