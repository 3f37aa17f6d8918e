//! A directory as its rows: the committed ones, or those that a running command sees.

use std::ops::Bound;
use std::sync::Arc;

use super::rows::{Extent, FileRow, Id, extent_key, extent_start, extents_key, file_key};
use super::{FileError, Files, Result};
use crate::DbaError;
use crate::codec::Value;
use crate::dba::Dba;
use crate::entity::header;
use crate::key::Key;
use crate::options::CallOptions;
use crate::page::RowRef;
use crate::scan::{Range, Scan};

/// Longest name of a file, in bytes.
pub const NAME_BYTES_MAX: usize = 512;

pub(super) struct Directory {
    rows: Arc<dyn Dba>,
    name: Arc<[u8]>,
}

impl Directory {
    pub(super) fn new(rows: Arc<dyn Dba>, name: Arc<[u8]>) -> Self {
        Self { rows, name }
    }

    /// Whether there is such a directory.
    pub(super) async fn exists(&self) -> Result<bool> {
        let options = CallOptions::default();
        let state = header::load::<()>(&*self.rows, &self.name, Files::TYPE, &options).await?;
        Ok(state.is_some())
    }

    /// Makes the directory if it isn't there.
    pub(super) async fn ensure(&self) -> Result<()> {
        if self.exists().await? {
            return Ok(());
        }
        let key = Key::new(&*self.name, header::CLUSTERING);
        Ok(self.rows.put(&key, header::encode(Files::TYPE, &())?).await?)
    }

    /// The file of that name, if there is one.
    pub(super) async fn file(&self, name: &str) -> Result<Option<FileRow>> {
        check_name(name)?;
        if !self.exists().await? {
            return Ok(None);
        }
        self.get(file_key(name)).await
    }

    /// The last extent of a file that begins at `position` or before, and where it begins.
    pub(super) async fn extent_at(&self, file: Id, position: u64) -> Result<Option<(u64, Extent)>> {
        let range =
            (Bound::Included(extents_key(file)), Bound::Included(extent_key(file, position)));
        let scan = Scan::range(range).descending().limit(1);
        let page = self.rows.scan(&self.name, &scan).await?;
        let Some(row) = page.first() else { return Ok(None) };
        Ok(Some((extent_start(row)?, Extent::from_bytes(row.value)?)))
    }

    pub(super) async fn get<T: Value>(&self, clustering: Vec<u8>) -> Result<Option<T>> {
        let value = self.rows.get(&Key::new(&*self.name, clustering)).await?;
        Ok(value.map(|bytes| T::from_bytes(&bytes)).transpose()?)
    }

    pub(super) async fn put<T: Value>(&self, clustering: Vec<u8>, value: &T) -> Result<()> {
        Ok(self.rows.put(&Key::new(&*self.name, clustering), value.to_bytes()?).await?)
    }

    pub(super) async fn delete(&self, clustering: Vec<u8>) -> Result<()> {
        Ok(self.rows.delete(&Key::new(&*self.name, clustering)).await?)
    }

    /// The first `limit` rows in a range, as `read` reads them; none if there is no directory.
    pub(super) async fn list<T>(
        &self,
        range: Range,
        limit: u32,
        read: impl Fn(RowRef<'_>) -> Result<T, DbaError>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        if !self.exists().await? {
            return Ok(found);
        }
        let mut scan = Some(Scan::range(range).limit(limit as usize));
        while let Some(current) = scan.take() {
            let page = self.rows.scan(&self.name, &current).await?;
            for row in page.rows().take(limit as usize - found.len()) {
                found.push(read(row)?);
            }
            if found.len() < limit as usize {
                scan = page.resume.map(|token| current.resume(token));
            }
        }
        Ok(found)
    }
}

fn check_name(name: &str) -> Result<()> {
    let problem = match (name.len(), name.find('\0')) {
        (0, _) => "it is empty".to_owned(),
        (found, _) if found > NAME_BYTES_MAX => {
            format!("it has {found} bytes, the limit is {NAME_BYTES_MAX}")
        }
        (_, Some(at)) => format!("byte {at} is NUL"),
        _ => return Ok(()),
    };
    Err(FileError::Name { problem })
}
