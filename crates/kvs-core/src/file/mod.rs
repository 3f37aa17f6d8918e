//! Files in chunks.
//!
//! A file may be larger than any value, is read in ranges, and grows while others read it. So its
//! bytes are kept apart from what is known of it, as in the Google File System (Ghemawat, Gobioff
//! and Leung, 2003):
//!
//! - The bytes are cut into **chunks** of 1 MiB, plain rows that never change once they are written.
//!   What one append brought is a *run* of chunks, all full but the last.
//! - A **directory** is an [entity](crate::entity): it knows the names of the files, their sizes,
//!   and which run holds which part of a file (an *extent*).
//!
//! ```text
//! the directory "photos": an entity             chunks: plain rows, 64 in a partition
//! ┌────────────┬──────────────────────────┐
//! │ (empty)    │ header: "directory"      │     ┌───────────────┬──────────┬───┬──────────┐
//! │ 10 name    │ file: id, size, times    │     │ run 1 group 0 │ chunk 0  │ … │ chunk 63 │
//! │ 11 id 0    │ extent: run 1, 70 MiB  ──┼───► │ run 1 group 1 │ chunk 0  │ … │ chunk 5  │
//! │ 11 id 70Mi │ extent: run 2, 10 bytes ─┼───► │ run 2 group 0 │ 10 bytes │   └──────────┘
//! │ 12 run 3   │ garbage: pending since … │     └───────────────┴──────────┘
//! └────────────┴──────────────────────────┘
//! ```
//!
//! # Chunks first, then one commit
//! An append first notes its new run as *pending*, then writes the run's chunks, which nobody looks
//! at yet. Then one command on the directory makes them part of the file: extent, new size and the
//! removal of the note are one atomic batch. So a reader sees all of an append or nothing of it, and
//! of two appends at once each uploads at its own pace and comes in whole, in the order of the
//! commits. [`put`](Files::put) commits a new file in place of the old one in the same way.
//!
//! # What a crash leaves
//! Either the commit happened or the file is as it was. Chunks that no file uses any more always
//! have a note in the directory, written before the first of them, or in the batch that cut them
//! off. [`cleanup`](Files::cleanup) goes through the notes: it removes what was deleted, replaced or
//! given up at once, and what is pending only after a grace period of an hour. An upload renews its
//! note as it goes, so it may last as long as it likes; one that pauses for longer than the grace
//! period may be taken for dead, and fails with [`FileError::Expired`].
//!
//! A reader holds no lock. If its file is deleted or replaced and cleaned up under it, it gets
//! [`FileError::Changed`], and never bytes of another file: chunks belong to one run for ever.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use kvs_core::entity::LocalEntities;
//! use kvs_core::env::Env;
//! use kvs_core::file::{FileError, Files, source};
//! use kvs_core::{RowKind, Store, stream};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = Store::memory();
//! let entities = LocalEntities::new(Arc::new(store.rows(RowKind::Entity)));
//! let chunks = Arc::new(store.rows(RowKind::Chunk));
//! let photos = Files::new(Arc::new(entities), chunks, "photos", Env::system());
//!
//! photos.create("cat.jpg").await?;
//! photos.append_bytes("cat.jpg", b"all of ").await?;
//! photos.append("cat.jpg", source::reader(&b"the cat"[..])).await?;
//! assert_eq!(photos.size("cat.jpg").await?, 14);
//!
//! let mut pieces = photos.read_range("cat.jpg", 7..).await?;
//! assert_eq!(stream::next(&mut pieces).await.transpose()?, Some(b"the cat".to_vec()));
//!
//! assert!(photos.delete("cat.jpg").await?);
//! assert_eq!(photos.cleanup().await?.chunks, 2);
//! # Ok::<(), FileError>(()) }).unwrap();
//! ```
//!
//! # Costs
//! | operation | commands on the directory | rows of chunks |
//! |---|---|---|
//! | `create`, `delete` | 1 | – |
//! | `append`, `put`, `copy` | 2, and 1 for each quarter of the grace period | 1 write a chunk |
//! | `read` | – | 1 read a chunk, and 1 of an extent for each append |
//! | `cleanup` | 1 or 2 for each run or file | 1 batch for 64 chunks |
//!
//! A transfer holds one chunk and one piece of the source, however long the file. An append has a
//! chunk and an extent of its own, so a file of many small appends reads slowly: gather what is
//! small. Commands of one directory run one after another: files that are written all the time are
//! better spread over several directories.
//!
//! # Limits
//! File names have 1 to 512 bytes of UTF-8 without NUL, and no structure: `/` is a byte like others,
//! good for [`list`](Files::list). A directory's name has 1 to 1,024 bytes. Chunks have 1 KiB to
//! 8 MiB. Sizes are 64-bit.
//!
//! What isn't here: writing into the middle of a file, renaming, and noticing an upload that is
//! stopped for most of the grace period between two of its steps, then writes one more chunk, and
//! dies. The chunk stays.

mod access;
mod chunks;
mod cleanup;
mod command;
mod directory;
mod error;
mod open;
mod rows;
pub mod source;
#[cfg(test)]
mod tests;
mod upload;

use std::num::NonZeroU32;
use std::ops::{Range, RangeBounds};
use std::sync::Arc;
use std::time::Duration;

use crate::dba::{BoxStream, Dba};
use crate::entity::EntityStore;
use crate::env::Env;
use crate::limits::{self, LimitError};
use access::{Access, LocalDirectories};
use chunks::Chunks;
use command::{Mode, Step};
use source::Source;

pub use access::Directories;
pub use cleanup::Cleaned;
pub use command::{DirectoryAnswer, DirectoryCommand};
pub use directory::NAME_BYTES_MAX;
pub use error::FileError;
pub use open::{FileInfo, OpenFile};

/// The result of an operation on files.
pub type Result<T, E = FileError> = std::result::Result<T, E>;

/// What a directory hands out piece by piece.
pub type FileStream<T> = BoxStream<'static, T, FileError>;

/// Bytes of a chunk, unless [`Files::chunk_bytes`] says otherwise.
pub const CHUNK_BYTES_DEFAULT: u32 = 1 << 20;
/// The smallest chunks.
pub const CHUNK_BYTES_MIN: u32 = 1 << 10;
/// The largest chunks.
pub const CHUNK_BYTES_MAX: u32 = 8 << 20;
/// How long an upload may pause, unless [`Files::grace`] says otherwise.
pub const GRACE_DEFAULT: Duration = Duration::from_secs(60 * 60);

/// The files of one directory. See the [module](self).
///
/// A handle is cheap, and clones are handles of the same directory. The directory exists from its
/// first file on; before that it is empty. Every method fails with
/// [`WrongType`](crate::DbaError::WrongType) if the name belongs to an entity of another type.
#[derive(Clone)]
pub struct Files {
    directory: Access,
    chunks: Chunks,
    env: Env,
    chunk_bytes: NonZeroU32,
    grace: Duration,
}

impl Files {
    /// The type in the header of a directory.
    pub const TYPE: &'static str = "directory";

    /// The directory `name` among `entities`, with its chunks in `chunks`.
    pub fn new(
        entities: Arc<dyn EntityStore>,
        chunks: Arc<dyn Dba>,
        name: impl Into<Vec<u8>>,
        env: Env,
    ) -> Self {
        Self::over(Arc::new(LocalDirectories(entities)), chunks, name, env)
    }

    /// The directory `name` of those that may be elsewhere, with its chunks in `chunks`.
    pub fn over(
        directories: Arc<dyn Directories>,
        chunks: Arc<dyn Dba>,
        name: impl Into<Vec<u8>>,
        env: Env,
    ) -> Self {
        Self {
            directory: Access { directories, name: name.into().into() },
            chunks: Chunks::new(chunks),
            env,
            chunk_bytes: const { NonZeroU32::new(CHUNK_BYTES_DEFAULT).unwrap() },
            grace: GRACE_DEFAULT,
        }
    }

    /// Writes in chunks of `bytes`: 1 KiB to 8 MiB. What is written already stays as it is.
    ///
    /// Larger chunks make fewer rows, smaller ones cheaper reads of small ranges.
    pub fn chunk_bytes(self, bytes: u32) -> Result<Self, LimitError> {
        let what = "chunk size in bytes";
        let limit = |limit: u32| LimitError { what, found: bytes as usize, limit: limit as usize };
        limits::at_most(what, bytes as usize, CHUNK_BYTES_MAX as usize)?;
        let chunk_bytes = NonZeroU32::new(bytes).filter(|bytes| bytes.get() >= CHUNK_BYTES_MIN);
        Ok(Self { chunk_bytes: chunk_bytes.ok_or_else(|| limit(CHUNK_BYTES_MIN))?, ..self })
    }

    /// Lets [`cleanup`](Self::cleanup) take an upload for dead after a pause of this length. Give
    /// the same to every handle of a directory, and much more than clocks may differ.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Makes an empty file.
    ///
    /// # Errors
    /// [`FileError::Exists`] if there is a file of that name.
    pub async fn create(&self, name: &str) -> Result<()> {
        self.commit(name, Mode::New, None).await.map(drop)
    }

    /// Adds all that `source` gives to the end of a file, and says where in the file it is now.
    ///
    /// The bytes appear together, when `source` has ended. They go to the file that has the name at
    /// that moment. Appends at the same time don't wait for each other's sources. After an error,
    /// or if the future is dropped, the file is as it was, unless the error's
    /// [outcome](FileError::outcome) is unknown.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is no such file: [`create`](Self::create) it first.
    /// [`FileError::Source`] if the source fails.
    pub async fn append(&self, name: &str, source: Source<'_>) -> Result<Range<u64>> {
        self.upload(name, Mode::Append, source).await
    }

    /// [`append`](Self::append) of bytes that are in memory.
    pub async fn append_bytes(&self, name: &str, bytes: &[u8]) -> Result<Range<u64>> {
        self.append(name, source::bytes(bytes)).await
    }

    /// Makes a file of all that `source` gives, in place of the one that has the name if there is
    /// one, and gives its size.
    ///
    /// Until `source` has ended the old file stays; then the new one takes its place at once. Errors
    /// and a dropped future leave the same as with [`append`](Self::append).
    pub async fn put(&self, name: &str, source: Source<'_>) -> Result<u64> {
        self.upload(name, Mode::Replace, source).await.map(|range| range.end)
    }

    /// [`put`](Self::put) of bytes that are in memory.
    pub async fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<u64> {
        self.put(name, source::bytes(bytes)).await
    }

    /// Makes a file of the content that another has now, and gives its size. The chunks are copied.
    /// Errors and a dropped future leave the same as with [`append`](Self::append).
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is no file `from`, [`FileError::Exists`] if there is a file
    /// `to`.
    pub async fn copy(&self, from: &str, to: &str) -> Result<u64> {
        let content = self.read(from).await?;
        self.upload(to, Mode::New, content).await.map(|range| range.end)
    }

    /// The file as it is now, for reading.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is no such file.
    pub async fn open(&self, name: &str) -> Result<OpenFile> {
        let directory = self.directory();
        let row = directory.existing(name).await?;
        Ok(OpenFile::new(directory, self.chunks.clone(), name, row))
    }

    /// All bytes of a file: [`OpenFile::read`].
    pub async fn read(&self, name: &str) -> Result<FileStream<Vec<u8>>> {
        self.read_range(name, ..).await
    }

    /// The bytes of a file in a range: [`OpenFile::read`].
    pub async fn read_range(
        &self,
        name: &str,
        range: impl RangeBounds<u64>,
    ) -> Result<FileStream<Vec<u8>>> {
        self.open(name).await?.read(range)
    }

    /// The size of a file in bytes.
    pub async fn size(&self, name: &str) -> Result<u64> {
        Ok(self.stat(name).await?.size)
    }

    /// What the directory knows of a file.
    pub async fn stat(&self, name: &str) -> Result<FileInfo> {
        let row = self.directory().existing(name).await?;
        Ok(FileInfo::new(name.to_owned(), &row))
    }

    /// The files whose names begin with `prefix`, in the order of their names' bytes; an empty
    /// prefix means all. The stream is lazy and holds one page. Files made or deleted while it runs
    /// may be in it or not.
    pub async fn list(&self, prefix: &str) -> Result<FileStream<FileInfo>> {
        let directory = self.directory();
        directory.exists().await?;
        Ok(directory.files(prefix))
    }

    /// Deletes a file, and tells whether there was one. Its chunks go with the next
    /// [`cleanup`](Self::cleanup), of which it leaves a small row: a store whose disk is full
    /// refuses that.
    pub async fn delete(&self, name: &str) -> Result<bool> {
        self.directory().run(Step::Delete { name: name.to_owned() }).await?.whether()
    }

    fn directory(&self) -> Access {
        self.directory.clone()
    }
}
