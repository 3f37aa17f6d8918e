//! What a case works with.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};

use crate::batch::Batch;
use crate::dba::Dba;
use crate::env::uncancelled;
use crate::key::Key;
use crate::limits::PAGE_BYTES_MAX;
use crate::page::{Row, RowRef};
use crate::scan::Scan;

/// A store, and partitions in it that belong to one case.
pub(super) struct Case<S: ?Sized = dyn Dba> {
    pub(super) store: Arc<S>,
    name: &'static str,
}

/// A case by name.
pub(super) type Named<S> = (&'static str, for<'a> fn(&'a Case<S>) -> LocalBoxFuture<'a, ()>);

/// Lists functions as cases, named by their paths.
macro_rules! cases {
    ($($case:path),* $(,)?) => { &[$((stringify!($case), |case| Box::pin($case(case)))),*] };
}
pub(super) use cases;

/// Runs each case; a panic goes on with the case's name in front.
pub(super) async fn run<S: ?Sized>(store: &Arc<S>, cases: &[Named<S>]) {
    for (name, case) in cases {
        let context = Case { store: store.clone(), name };
        if let Err(panic) = AssertUnwindSafe(case(&context)).catch_unwind().await {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked");
            panic!("conformance case `{name}`: {message}");
        }
    }
}

impl<S: ?Sized> Case<S> {
    /// A partition of this case: its name, then `suffix`.
    pub(super) fn partition(&self, suffix: impl AsRef<[u8]>) -> Vec<u8> {
        [self.name.as_bytes(), b"/", suffix.as_ref()].concat()
    }

    /// A plain key of this case.
    pub(super) fn key(&self, suffix: impl AsRef<[u8]>) -> Key {
        Key::from(self.partition(suffix))
    }
}

impl Case {
    /// Puts `rows` into `partition`.
    pub(super) async fn fill<K, V>(&self, partition: &[u8], rows: impl IntoIterator<Item = (K, V)>)
    where
        K: Into<Vec<u8>>,
        V: Into<Vec<u8>>,
    {
        let add = |batch: Batch, (key, value): (K, V)| batch.put(key, value);
        let batch = rows.into_iter().fold(Batch::new(), add);
        self.store.write(partition, batch).await.unwrap();
    }

    /// All rows of a scan, page after page. Each page is checked: it is full unless it is the last
    /// one, and it names a next one only if there are more rows.
    pub(super) async fn all(&self, partition: &[u8], scan: Scan) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut next = scan.clone();
        loop {
            let page = self.store.scan(partition, &next).await.unwrap();
            let bytes = page.bytes();
            let is_full = page.len() == scan.page_rows() || bytes >= PAGE_BYTES_MAX;
            let last_bytes = page.last().map_or(0, |row| row.clustering.len() + row.value.len());
            assert!(page.len() <= scan.page_rows(), "a page of {} rows", page.len());
            assert!(bytes - last_bytes < PAGE_BYTES_MAX, "a page of {bytes} bytes");
            assert!(
                rows.is_empty() || !page.is_empty(),
                "a page was promised after {} rows, and is empty",
                rows.len()
            );
            rows.extend(page.rows().map(RowRef::to_row));
            match page.resume {
                None => return rows,
                Some(_) if !is_full => panic!("a page that is not full is not the last one"),
                Some(token) => next = scan.clone().resume(token),
            }
        }
    }

    /// All rows of a partition: clustering keys and values.
    pub(super) async fn rows(&self, partition: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = self.all(partition, Scan::all()).await.into_iter();
        rows.map(|row| (row.clustering, row.value)).collect()
    }
}

/// Does everything side by side, each as a task of its own, and gives the results in order.
pub(super) async fn side_by_side<T, F>(work: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    // What isn't done when first asked goes on as a task.
    let tasks = work.into_iter().map(|work| {
        uncancelled(async move {
            tokio::task::yield_now().await;
            work.await
        })
    });
    join_all(tasks).await
}
