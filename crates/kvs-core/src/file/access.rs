//! A directory from where its files are used.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use super::command::{DirectoryAnswer, DirectoryCommand, Step};
use super::rows::{Extent, FileRow, Garbage, Id};
use super::{FileError, FileInfo, FileStream, Result};
use crate::entity::{self, EntityStore};
use crate::options::CallOptions;
use crate::stream;

/// How many entries are listed at a time.
const PAGE: u32 = 256;

/// Where directories are: runs their commands one at a time for each.
#[async_trait]
pub trait Directories: Send + Sync + 'static {
    /// Runs a command on the directory `name`. A query sees what was committed before it began.
    async fn run(&self, name: Arc<[u8]>, command: DirectoryCommand) -> Result<DirectoryAnswer>;
}

/// Directories among entities of this process.
pub(super) struct LocalDirectories(pub(super) Arc<dyn EntityStore>);

#[async_trait]
impl Directories for LocalDirectories {
    async fn run(&self, name: Arc<[u8]>, command: DirectoryCommand) -> Result<DirectoryAnswer> {
        if command.is_query() {
            return command.apply(self.0.rows(), name).await;
        }
        let options = CallOptions::default();
        entity::run(&*self.0, name.clone(), &options, |scope| command.apply(scope, name)).await
    }
}

/// One directory.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) directories: Arc<dyn Directories>,
    pub(super) name: Arc<[u8]>,
}

impl Access {
    pub(super) async fn run(&self, step: Step) -> Result<DirectoryAnswer> {
        self.directories.run(self.name.clone(), DirectoryCommand(step)).await
    }

    /// Whether there is such a directory.
    pub(super) async fn exists(&self) -> Result<bool> {
        self.run(Step::Exists).await?.whether()
    }

    /// The file of that name, if there is one.
    pub(super) async fn file(&self, name: &str) -> Result<Option<FileRow>> {
        self.run(Step::File { name: name.to_owned() }).await?.file()
    }

    /// The file of that name, which must be there.
    pub(super) async fn existing(&self, name: &str) -> Result<FileRow> {
        self.file(name).await?.ok_or_else(|| FileError::NotFound { name: name.to_owned() })
    }

    /// The last extent of a file that begins at `position` or before, and where it begins.
    pub(super) async fn extent_at(&self, file: Id, position: u64) -> Result<Option<(u64, Extent)>> {
        self.run(Step::Extent { file, position }).await?.extent()
    }

    /// The files whose names begin with `prefix`.
    pub(super) fn files(&self, prefix: &str) -> FileStream<FileInfo> {
        let prefix = prefix.to_owned();
        let query = move |after| Step::Files { prefix: prefix.clone(), after, limit: PAGE };
        let info = |(name, row): (String, FileRow)| FileInfo::new(name, &row);
        self.list(query, DirectoryAnswer::files, |(name, _)| name.clone(), info)
    }

    /// What is to be removed.
    pub(super) fn garbage(&self) -> FileStream<(Id, Garbage)> {
        let query = |after| Step::Garbage { after, limit: PAGE };
        self.list(query, DirectoryAnswer::garbage, |(id, _)| *id, |entry| entry)
    }

    /// The extents of a file, and where they begin.
    pub(super) fn extents(&self, file: Id) -> FileStream<(u64, Extent)> {
        let query = move |after| Step::Extents { file, after, limit: PAGE };
        self.list(query, DirectoryAnswer::extents, |(start, _)| *start, |entry| entry)
    }

    /// Forgets extents of a file, and, at the end, that it is to be removed.
    pub(super) async fn forget(&self, id: Id, starts: Vec<u64>, note: bool) -> Result<()> {
        self.run(Step::Forget { id, starts, note }).await.map(drop)
    }

    pub(super) async fn commit(&self, step: Step) -> Result<Range<u64>> {
        self.run(step).await?.span()
    }

    /// All that `query` lists, a page at a time; the next page begins behind the last entry's `key`.
    fn list<E: Clone + Send + 'static, K: Send + 'static, T: Send + 'static>(
        &self,
        query: impl Fn(Option<K>) -> Step + Send + 'static,
        read: fn(DirectoryAnswer) -> Result<Vec<E>>,
        key: fn(&E) -> K,
        make: fn(E) -> T,
    ) -> FileStream<T> {
        let access = self.clone();
        stream::lazy_pages(None, move |after: Option<K>| {
            let (access, step) = (access.clone(), query(after));
            Box::pin(async move {
                let entries = read(access.run(step).await?)?;
                let next = entries.last().filter(|_| entries.len() >= PAGE as usize);
                let next = next.map(|last| Some(key(last)));
                Ok((entries.into_iter().map(move |entry| Ok(make(entry))), next))
            })
        })
    }
}
