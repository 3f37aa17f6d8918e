//! A directory as its rows: the committed ones, or what a running command sees.

use std::ops::Bound;
use std::sync::Arc;

use super::rows::{Extent, FileRow, Id, extent_key, extent_start, extents_key, file_key};
use super::{FileError, FileStream, Files, Result};
use crate::codec::Value;
use crate::dba::Dba;
use crate::entity::header;
use crate::key::Key;
use crate::options::CallOptions;
use crate::page::RowRef;
use crate::scan::Scan;
use crate::{DbaError, stream};

/// Longest name of a file, in bytes.
pub const NAME_BYTES_MAX: usize = 512;

#[derive(Clone)]
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

    /// The file of that name, which must be there.
    pub(super) async fn existing(&self, name: &str) -> Result<FileRow> {
        self.file(name).await?.ok_or_else(|| FileError::NotFound { name: name.to_owned() })
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

    /// All rows that begin with `prefix`, a page at a time, as `read` reads them.
    pub(super) fn scan<T: Send + 'static>(
        &self,
        prefix: Vec<u8>,
        read: fn(RowRef<'_>) -> Result<T, DbaError>,
    ) -> FileStream<T> {
        let directory = self.clone();
        stream::lazy_pages(Scan::prefix(prefix), move |scan| {
            let directory = directory.clone();
            Box::pin(async move {
                let mut page = directory.rows.scan(&directory.name, &scan).await?;
                let next = page.resume.take().map(|token| scan.resume(token));
                Ok((page.read(move |row| Ok(read(row)?)), next))
            })
        })
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
