//! The contract of a store.
//!
//! [`Dba`] is what every backend, the ring and the view of an entity's own rows implement, and all
//! that the features above need. The conformance suite (feature `conformance`) is this contract as
//! tests.
//!
//! - **Order.** Rows of a partition are ordered by the bytes of their clustering keys.
//! - **Atomicity.** [`write`](Dba::write) applies all of a batch or nothing; within a batch a later
//!   operation on a row wins. A reader sees all of a batch or nothing of it.
//! - **Visibility.** What was acknowledged is seen by every call that begins afterwards. A page of a
//!   scan shows one state; two pages may show two.
//! - **Cancellation.** A write whose future is dropped has the outcome *unknown*: it happens whole,
//!   or not at all.
//! - **Durability** is the store's: see [`Durability`](crate::store::Durability).

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::Stream;

use crate::batch::Batch;
use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::options::CallOptions;
use crate::page::{Page, Row};
use crate::scan::Scan;
use crate::stream;

/// A store of rows, addressed by [`Key`].
///
/// Methods without options are for the defaults; implementors write those with options.
///
/// ```
/// use kvs_core::{Batch, Dba, Key, RowKind, Scan, Store};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rows = Store::memory().rows(RowKind::Plain);
/// rows.put(&Key::from("greeting"), b"hello".to_vec()).await?;
/// assert_eq!(rows.get(&Key::from("greeting")).await?, Some(b"hello".to_vec()));
///
/// rows.write(b"user/42", Batch::new().put("email", "a@b.c").put("name", "Ada")).await?;
/// let page = rows.scan(b"user/42", &Scan::all()).await?;
/// assert_eq!(page.len(), 2);
/// # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
/// ```
#[async_trait]
pub trait Dba: Send + Sync + 'static {
    /// The value of a row; `None` if there is none.
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>>;

    /// Sets a row to a value of at most 16 MiB.
    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()>;

    /// Removes a row. Removing what isn't there is no error.
    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()>;

    /// Applies a batch to a partition, atomically.
    async fn write_with(&self, partition: &[u8], batch: Batch, options: &CallOptions)
    -> Result<()>;

    /// One page of a partition's rows. A page ends at the scan's limit or after 4 MiB.
    async fn scan_with(&self, partition: &[u8], scan: &Scan, options: &CallOptions)
    -> Result<Page>;

    /// [`get_with`](Self::get_with) the default options.
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        self.get_with(key, &CallOptions::default()).await
    }

    /// [`put_with`](Self::put_with) the default options.
    async fn put(&self, key: &Key, value: Vec<u8>) -> Result<()> {
        self.put_with(key, value, &CallOptions::default()).await
    }

    /// [`delete_with`](Self::delete_with) the default options.
    async fn delete(&self, key: &Key) -> Result<()> {
        self.delete_with(key, &CallOptions::default()).await
    }

    /// [`write_with`](Self::write_with) the default options.
    async fn write(&self, partition: &[u8], batch: Batch) -> Result<()> {
        self.write_with(partition, batch, &CallOptions::default()).await
    }

    /// [`scan_with`](Self::scan_with) the default options.
    async fn scan(&self, partition: &[u8], scan: &Scan) -> Result<Page> {
        self.scan_with(partition, scan, &CallOptions::default()).await
    }

    /// All rows of a scan as a lazy stream that holds one page at a time. For a stream that owns its
    /// store see [`stream::rows`].
    fn stream(&self, partition: &[u8], scan: Scan) -> BoxStream<'_, Row> {
        let partition: Arc<[u8]> = partition.into();
        stream::lazy_pages(scan, move |scan| {
            let partition = partition.clone();
            Box::pin(async move {
                let page = self.scan(&partition, &scan).await?;
                Ok(stream::rows_of(page, scan))
            })
        })
    }
}

/// A stream that a store hands out: boxed, so that [`Dba`] and its extras stay object-safe.
pub type BoxStream<'a, T, E = DbaError> = Pin<Box<dyn Stream<Item = Result<T, E>> + Send + 'a>>;

/// Saves and loads all rows of a store.
#[async_trait]
pub trait Snapshot: Send + Sync + 'static {
    /// All rows, of every kind, as of one moment, in pages in key order.
    ///
    /// Writers are not stopped; at most a few pages are held in memory.
    fn save(&self) -> BoxStream<'static, Vec<StoredRow>>;

    /// Takes in pages that [`save`](Self::save) gave, over what is stored: a plain row replaces the
    /// row of the same key, an entity replaces the whole entity of the same name. Gives the number
    /// of rows taken in. After an error some pages are in and some are not; loading again mends
    /// that.
    async fn load(&self, pages: BoxStream<'static, Vec<StoredRow>>) -> Result<u64>;
}

/// A row as it is stored: encoded key (see [`format::stored_key`](crate::format::stored_key)) and
/// enveloped value (see [`format::envelope`](crate::format::envelope)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The stored key.
    pub key: Vec<u8>,
    /// The stored value.
    pub value: Vec<u8>,
}

/// Gives back the room of what was deleted or overwritten.
#[async_trait]
pub trait Compact: Send + Sync + 'static {
    /// Rewrites the store without what is gone. May take minutes; reads and writes go on.
    async fn compact(&self) -> Result<()>;
}

/// Walks and clears whole stores.
#[async_trait]
pub trait Iterate: Send + Sync + 'static {
    /// All keys whose partition begins with `prefix`, in order; an empty prefix means all keys.
    fn keys(&self, prefix: &[u8]) -> BoxStream<'static, Key>;

    /// Deletes all rows whose partition begins with `prefix`, a page at a time, and gives their
    /// number. Not atomic: after an error some are gone and some are not; the same call goes on.
    async fn delete_prefix(&self, prefix: &[u8]) -> Result<u64>;
}

/// Tells whether a store can serve.
#[async_trait]
pub trait Ready: Send + Sync + 'static {
    /// `Ok` when reads and writes are served, otherwise the error that they would get.
    async fn ready(&self) -> Result<()>;
}
