//! The suite passes where the contract is kept, and names what is violated where it is not.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::{dba, iterate, model};
use crate::batch::{Batch, Op};
use crate::dba::Dba;
use crate::error::{DbaError, Result};
use crate::format::stored_key::RowKind;
use crate::key::Key;
use crate::options::CallOptions;
use crate::page::Page;
use crate::scan::{ResumeToken, Scan};
use crate::store::{Rows, Store};

fn rows() -> Rows {
    Store::memory().rows(RowKind::Plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_memory_keeps_the_contract() {
    dba(Arc::new(rows())).await;
    iterate(Arc::new(rows())).await;
}

/// What a store can get wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    DeletesNothing,
    KeepsTheFirstValue,
    CutsKeysAtZero,
    AppliesTheFirstOfABatch,
    AppliesOneByOne,
    LeavesOutTheLastRow,
    RepeatsTheLastRow,
    PromisesAnotherPage,
    TakesAnyToken,
    TakesAnySize,
    IsAlwaysLate,
}

/// A store with a fault.
struct Faulty(Rows, Fault);

impl Faulty {
    fn key(&self, key: &Key) -> Key {
        let (partition, clustering) = (key.partition(), key.clustering());
        match self.1 {
            Fault::CutsKeysAtZero => {
                let cut = partition.split(|byte| *byte == 0).next().unwrap_or_default();
                Key::new(cut, clustering)
            }
            _ => key.clone(),
        }
    }

    fn answer<T: Default>(&self, answer: Result<T>) -> Result<T> {
        match (self.1, answer) {
            (Fault::TakesAnyToken, Err(DbaError::ResumeToken { .. })) => Ok(T::default()),
            (Fault::TakesAnySize, Err(DbaError::Limit(_))) => Ok(T::default()),
            (_, answer) => answer,
        }
    }
}

#[async_trait]
impl Dba for Faulty {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        self.answer(self.0.get_with(&self.key(key), options).await)
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        if self.1 == Fault::KeepsTheFirstValue && self.0.get(key).await?.is_some() {
            return Ok(());
        }
        self.answer(self.0.put_with(&self.key(key), value, options).await)
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        if self.1 == Fault::DeletesNothing {
            return Ok(());
        }
        self.answer(self.0.delete_with(&self.key(key), options).await)
    }

    async fn write_with(&self, name: &[u8], batch: Batch, options: &CallOptions) -> Result<()> {
        let mut ops: Vec<Op> = batch.clone().into_iter().collect();
        match self.1 {
            Fault::AppliesTheFirstOfABatch => {
                ops.reverse();
                let mut reversed = Batch::new();
                reversed.extend(ops);
                self.0.write_with(name, reversed, options).await
            }
            Fault::AppliesOneByOne if batch.check().is_ok() => {
                for op in ops {
                    let mut one = Batch::new();
                    one.push(op);
                    self.0.write_with(name, one, options).await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            Fault::IsAlwaysLate if options.deadline.is_some() => {
                self.0.write(name, batch).await?;
                Err(DbaError::Deadline { operation: "write" })
            }
            _ => self.answer(self.0.write_with(name, batch, options).await),
        }
    }

    async fn scan_with(&self, name: &[u8], scan: &Scan, options: &CallOptions) -> Result<Page> {
        let mut page = self.answer(self.0.scan_with(name, scan, options).await)?;
        let token = |row: Option<crate::RowRef<'_>>| {
            row.map(|row| ResumeToken::new(scan.ordering(), row.clustering))
        };
        match self.1 {
            Fault::LeavesOutTheLastRow if page.resume.is_none() => {
                page.truncate(page.len().saturating_sub(1));
            }
            Fault::RepeatsTheLastRow if page.resume.is_some() && page.len() > 1 => {
                let before = token(page.rows().rev().nth(1));
                page.resume = before;
            }
            Fault::PromisesAnotherPage => page.resume = token(page.last()),
            _ => {}
        }
        Ok(page)
    }
}

/// What a future panics with.
async fn panic_of(work: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(work).catch_unwind().await.expect_err("nothing was found");
    *panic.downcast::<String>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found() {
    let faults = [
        (Fault::DeletesNothing, "semantics::puts_gets_and_deletes"),
        (Fault::KeepsTheFirstValue, "semantics::overwrites"),
        (Fault::CutsKeysAtZero, "semantics::keys_of_any_bytes"),
        (Fault::AppliesTheFirstOfABatch, "batches::apply_in_order"),
        (Fault::AppliesOneByOne, "concurrency::readers_see_whole_batches"),
        (Fault::LeavesOutTheLastRow, "semantics::overwrites"),
        (Fault::RepeatsTheLastRow, "scans::every_range"),
        (Fault::PromisesAnotherPage, "semantics::overwrites"),
        (Fault::TakesAnyToken, "tokens::of_another_scan_are_refused"),
        (Fault::TakesAnySize, "batches::refused_one_changes_nothing"),
        (Fault::IsAlwaysLate, "interrupted::deadlines"),
    ];
    for (fault, case) in faults {
        let message = panic_of(dba(Arc::new(Faulty(rows(), fault)))).await;
        assert!(message.starts_with(&format!("conformance case `{case}`")), "{fault:?}: {message}");
    }
}

/// The model finds faults as well, and shows a short history: one operation to fill, one that goes
/// wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_shrunk() {
    let message = panic_of(model(Arc::new(Faulty(rows(), Fault::DeletesNothing)), 100, 1)).await;
    let count = |operation: &str| message.matches(operation).count();
    let history = message.split_once("after [").expect("the history is shown").1;
    assert!(message.contains("seed 1"), "{message}");
    assert_eq!(count("Delete("), 1, "{message}");
    assert!(count("Put(") + count("Write(") <= 1 && history.len() < 400, "{message}");
}
