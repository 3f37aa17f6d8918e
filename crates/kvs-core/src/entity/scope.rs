//! What a command sees of the store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::written::{self, Written};
use crate::batch::Batch;
use crate::dba::Dba;
use crate::error::{DbaError, Result};
use crate::key::Key;
use crate::limits;
use crate::options::CallOptions;
use crate::page::Page;
use crate::scan::{ContainsKey, Order, Range, ResumeToken, Scan, is_empty};

/// The rows of one entity as its running command sees them: the committed ones, and over them what
/// the command has written so far. Nothing is written through until the command is submitted.
pub struct Scope {
    name: Arc<[u8]>,
    rows: Arc<dyn Dba>,
    written: Mutex<Written>,
}

impl Scope {
    /// The rows of the entity `name` among the committed `rows`.
    pub fn new(name: impl Into<Arc<[u8]>>, rows: Arc<dyn Dba>) -> Self {
        Self { name: name.into(), rows, written: Mutex::default() }
    }

    /// The same with rows already laid over the committed ones: by clustering key, `None` where a row
    /// is removed.
    pub fn over(
        name: impl Into<Arc<[u8]>>,
        rows: Arc<dyn Dba>,
        written: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    ) -> Self {
        Self { name: name.into(), rows, written: Mutex::new(Written::over(written)) }
    }

    /// What was written, as one batch; the scope is as new afterwards.
    pub fn take(&self) -> Batch {
        std::mem::take(&mut *self.written()).into_batch()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_name(&self, partition: &[u8]) -> Result<()> {
        if *partition == *self.name {
            return Ok(());
        }
        let detail = format!(
            "a command of {} reached for {}",
            self.name.escape_ascii(),
            partition.escape_ascii()
        );
        Err(DbaError::Encode { what: "write set", detail })
    }
}

#[async_trait]
impl Dba for Scope {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        self.check_name(key.partition())?;
        if let Some(written) = self.written().get(key.clustering()) {
            return Ok(written.map(<[u8]>::to_vec));
        }
        self.rows.get_with(key, options).await
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, _: &CallOptions) -> Result<()> {
        key.check()?;
        limits::check_value(&value)?;
        self.check_name(key.partition())?;
        self.written().write(Batch::new().put(key.clustering(), value));
        Ok(())
    }

    async fn delete_with(&self, key: &Key, _: &CallOptions) -> Result<()> {
        key.check()?;
        self.check_name(key.partition())?;
        self.written().write(Batch::new().delete(key.clustering()));
        Ok(())
    }

    async fn write_with(&self, partition: &[u8], batch: Batch, _: &CallOptions) -> Result<()> {
        batch.check()?;
        self.check_name(partition)?;
        self.written().write(batch);
        Ok(())
    }

    async fn scan_with(
        &self,
        partition: &[u8],
        scan: &Scan,
        options: &CallOptions,
    ) -> Result<Page> {
        self.check_name(partition)?;
        let range = scan.remaining()?;
        let committed = self.rows.scan_with(partition, scan, options).await?;
        let mut written = self.written();
        if written.is_empty() || is_empty(&range) {
            return Ok(committed);
        }
        Ok(merge(committed, written.rows(), range, scan))
    }
}

/// Lays what was written over a committed page of `range`.
fn merge(committed: Page, written: &written::Rows, range: Range, scan: &Scan) -> Page {
    let order = scan.ordering();
    let covered = covered(&committed, range, order);
    let mut rows: BTreeMap<&[u8], Option<&[u8]>> =
        committed.rows().map(|row| (row.clustering, Some(row.value))).collect();
    let over = written.iter().filter(|(key, _)| covered.contains_key(key));
    rows.extend(over.map(|(key, value)| (key.as_slice(), value.as_deref())));

    let live = rows.into_iter().filter_map(|(clustering, value)| Some((clustering, value?)));
    let mut page: Page = match order {
        Order::Ascending => live.collect(),
        Order::Descending => live.rev().collect(),
    };
    if page.len() <= scan.page_rows() {
        page.resume = committed.resume;
        return page;
    }
    page.truncate(scan.page_rows());
    page.resume = page.last().map(|last| ResumeToken::new(order, last.clustering));
    page
}

/// The part of `range` that the page speaks for: up to its last row if there are more.
fn covered(page: &Page, (start, end): Range, order: Order) -> Range {
    let last = page.last().filter(|_| page.resume.is_some());
    let last = last.map(|row| Bound::Included(row.clustering.to_vec()));
    match order {
        Order::Ascending => (start, last.unwrap_or(end)),
        Order::Descending => (last.unwrap_or(start), end),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RowKind, Store};

    async fn all(dba: &dyn Dba, scan: Scan) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut stream = dba.stream(b"e", scan);
        let mut rows = Vec::new();
        while let Some(row) = crate::stream::next(&mut stream).await {
            let row = row.unwrap();
            rows.push((row.clustering, row.value));
        }
        rows
    }

    fn ops() -> impl Strategy<Value = Vec<(u8, Option<u8>)>> {
        prop::collection::vec((0..12_u8, prop::option::of(any::<u8>())), 0..20)
    }

    fn batch(ops: &[(u8, Option<u8>)]) -> Batch {
        ops.iter().fold(Batch::new(), |batch, (key, value)| match value {
            Some(value) => batch.put([*key], [*value]),
            None => batch.delete([*key]),
        })
    }

    proptest! {
        /// A scope over committed rows reads as the store will read once it is submitted.
        #[test]
        fn a_scope_reads_as_the_store_will(
            before in ops(), during in ops(), limit in 1..5_usize, from in 0..12_u8, descending: bool,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let rows: Arc<dyn Dba> = Arc::new(Store::memory().rows(RowKind::Entity));
                rows.write(b"e", batch(&before)).await.unwrap();
                let scope = Scope::new(*b"e", rows.clone());
                scope.write(b"e", batch(&during)).await.unwrap();

                let mut scan = Scan::range((Bound::Included(vec![from]), Bound::Unbounded));
                if descending {
                    scan = scan.descending();
                }
                let seen = all(&scope, scan.clone().limit(limit)).await;
                let laid = during.iter().map(|(key, value)| (vec![*key], value.map(|it| vec![it])));
                let over = Scope::over(*b"e", rows.clone(), laid.collect());
                assert_eq!(seen, all(&over, scan.clone().limit(limit)).await);
                rows.write(b"e", scope.take()).await.unwrap();
                assert_eq!(seen, all(&*rows, scan).await);
            });
        }
    }
}
