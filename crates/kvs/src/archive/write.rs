//! Writing an archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kvs_core::StoredRow;
use kvs_core::env::blocking;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::manifest::{self, Manifest, Part};
use super::{ArchiveError, part};
use crate::error::Result;

/// Length of the seal: a BLAKE3 checksum in hex.
pub(super) const SEAL_LEN: usize = 64;

/// An archive being written, under a name of its own until it is whole.
pub(super) struct ArchiveWriter {
    path: PathBuf,
    draft: Draft,
    zip: ZipWriter<BufWriter<File>>,
    part: Vec<u8>,
    part_rows: u64,
    parts: Vec<Part>,
    rows: u64,
}

impl ArchiveWriter {
    pub(super) async fn create(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let created = blocking(move || {
            let draft = Draft::beside(&path);
            match File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&draft.path)
            {
                Ok(file) => Ok(Self {
                    path,
                    draft,
                    zip: ZipWriter::new(BufWriter::new(file)),
                    part: Vec::new(),
                    part_rows: 0,
                    parts: Vec::new(),
                    rows: 0,
                }),
                Err(source) => Err(ArchiveError::Io { path, source }),
            }
        });
        Ok(created.await?)
    }

    /// Adds rows, and gives how many there are now.
    pub(super) async fn add(mut self, rows: Vec<StoredRow>) -> Result<(Self, u64)> {
        let path = self.path.clone();
        let added = blocking(move || {
            for row in &rows {
                part::push(&mut self.part, row).map_err(io::Error::other)?;
                self.part_rows += 1;
                self.rows += 1;
                if self.part.len() >= part::BYTES {
                    self.close_part()?;
                }
            }
            let rows = self.rows;
            Ok((self, rows))
        });
        added.await.map_err(|source| ArchiveError::Io { path, source }.into())
    }

    /// Writes what is left, seals the archive, and gives it its name.
    pub(super) async fn finish(mut self) -> Result<u64> {
        let path = self.path.clone();
        let finished = blocking(move || {
            self.close_part()?;
            let manifest = serde_json::to_vec_pretty(&Manifest::new(self.rows, self.parts))?;
            self.zip.start_file(manifest::NAME, file_options())?;
            self.zip.write_all(&manifest)?;
            self.zip.set_comment("0".repeat(SEAL_LEN))?;
            let mut file = self.zip.finish()?.into_inner().map_err(io::Error::from)?;
            seal(&mut file)?;
            file.sync_all()?;
            self.draft.keep_as(&self.path)?;
            Ok(self.rows)
        });
        finished.await.map_err(|source| ArchiveError::Io { path, source }.into())
    }

    fn close_part(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let name = format!("rows/{:08}", self.parts.len());
        self.zip.start_file(&name, file_options())?;
        self.zip.write_all(&self.part)?;
        let (rows, bytes) = (self.part_rows, self.part.len() as u64);
        let blake3 = blake3::hash(&self.part).to_hex().to_string();
        self.parts.push(Part { name, rows, bytes, blake3 });
        self.part.clear();
        self.part_rows = 0;
        Ok(())
    }
}

fn file_options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

/// Puts the checksum of all bytes before it into the comment, which ends the file.
fn seal(file: &mut File) -> io::Result<()> {
    let seal = checksum_before_seal(file)?;
    file.seek(SeekFrom::End(-(SEAL_LEN as i64)))?;
    file.write_all(seal.as_bytes())
}

/// The checksum of a file's bytes except those of the seal.
pub(super) fn checksum_before_seal(file: &mut File) -> io::Result<String> {
    let length = file.metadata()?.len().saturating_sub(SEAL_LEN as u64);
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(length))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A file that is removed unless it is kept.
struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Draft {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        Self { path: name.into(), kept: false }
    }

    fn keep_as(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.kept = true;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
