//! Reading an archive.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use kvs_core::env::blocking;
use kvs_core::{BoxStream, StoredRow, stream};
use zip::ZipArchive;

use super::manifest::{self, Manifest, Part};
use super::write::{SEAL_LEN, checksum_before_seal};
use super::{ArchiveError, Progress, in_stream, part};
use crate::error::Result;

/// An archive that was checked whole.
pub(super) struct ArchiveReader {
    path: PathBuf,
    zip: ZipArchive<File>,
    manifest: Manifest,
}

impl ArchiveReader {
    /// Opens an archive and checks all of it.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        Ok(blocking(move || Self::check(path)).await?)
    }

    fn check(path: PathBuf) -> Result<Self, ArchiveError> {
        let io = |source| ArchiveError::Io { path: path.clone(), source };
        let refused = |problem| ArchiveError::Refused { path: path.clone(), problem };
        let mut file = File::open(&path).map_err(io)?;
        if !is_sealed(&mut file).map_err(io)? {
            return Err(refused("its checksum is wrong: it was cut off or altered".to_owned()));
        }
        let zip = ZipArchive::new(file);
        let mut zip = zip.map_err(|error| refused(format!("it is no zip file: {error}")))?;
        let json = read_file(&mut zip, manifest::NAME, manifest::BYTES_MAX).map_err(refused)?;
        let manifest = Manifest::parse(&json).map_err(refused)?;

        let mut rows = 0;
        for part in &manifest.parts {
            rows += read_part(&mut zip, part).map_err(refused)?.len() as u64;
        }
        if rows != manifest.rows {
            return Err(refused(format!("it holds {rows} rows, not {}", manifest.rows)));
        }
        Ok(Self { path, zip, manifest })
    }

    /// All rows, a part at a time.
    pub(super) fn pages(
        self,
        mut progress: impl FnMut(Progress) + Send + 'static,
    ) -> BoxStream<'static, Vec<StoredRow>> {
        let total = Some(self.manifest.rows);
        let mut done = 0;
        let mut report = move |rows: u64| {
            done += rows;
            progress(Progress { rows: done, total });
        };
        stream::pages((self, 0), move |(reader, n): (Self, usize)| {
            let next = reader.manifest.parts.get(n).cloned();
            report(next.as_ref().map_or(0, |part| part.rows));
            Box::pin(async move {
                let Some(part) = next else { return Ok((Vec::new(), None)) };
                let (reader, rows) =
                    blocking(move || reader.part(&part)).await.map_err(in_stream)?;
                Ok((vec![rows], Some((reader, n + 1))))
            })
        })
    }

    fn part(mut self, part: &Part) -> Result<(Self, Vec<StoredRow>), ArchiveError> {
        match read_part(&mut self.zip, part) {
            Ok(rows) => Ok((self, rows)),
            Err(problem) => Err(ArchiveError::Refused { path: self.path, problem }),
        }
    }
}

/// Whether the file ends with the checksum of everything before.
fn is_sealed(file: &mut File) -> io::Result<bool> {
    let mut seal = [0; SEAL_LEN];
    if file.metadata()?.len() < SEAL_LEN as u64 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-(SEAL_LEN as i64)))?;
    file.read_exact(&mut seal)?;
    Ok(checksum_before_seal(file)?.as_bytes() == seal)
}

/// The rows of a part, checked against the manifest.
fn read_part(zip: &mut ZipArchive<File>, part: &Part) -> Result<Vec<StoredRow>, String> {
    let bytes = read_file(zip, &part.name, part::BYTES_MAX)?;
    let checksum = blake3::hash(&bytes).to_hex();
    if bytes.len() as u64 != part.bytes || checksum.as_str() != part.blake3 {
        return Err(format!("{} is not what its manifest says", part.name));
    }
    let rows = part::rows(&bytes).map_err(|problem| format!("{}: {problem}", part.name))?;
    if rows.len() as u64 != part.rows {
        return Err(format!("{} holds {} rows, not {}", part.name, rows.len(), part.rows));
    }
    Ok(rows)
}

fn read_file(zip: &mut ZipArchive<File>, name: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
    let file = zip.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("{name} has more than {bytes_max} bytes"));
    }
    Ok(bytes)
}
