//! The rows of one entity.

use std::ops::Bound;
use std::sync::Arc;

use kvs_core::entity::header;
use kvs_core::{Batch, CallOptions, Dba, Key, Page, Range, Result, Scan, Value, prefix_end};

/// The rows of the entity `name`, read and written with the same options.
#[derive(Clone)]
pub(crate) struct Rows {
    dba: Arc<dyn Dba>,
    name: Arc<[u8]>,
    options: CallOptions,
}

impl Rows {
    pub(crate) fn new(dba: Arc<dyn Dba>, name: &[u8]) -> Self {
        Self { dba, name: name.into(), options: CallOptions::default() }
    }

    pub(crate) fn with(self, options: CallOptions) -> Self {
        Self { options, ..self }
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The state in the header of an entity of type `kind`; `None` if it doesn't exist.
    pub(crate) async fn state<S: Value>(&self, kind: &'static str) -> Result<Option<S>> {
        header::load(&*self.dba, &self.name, kind, &self.options).await
    }

    pub(crate) async fn get(&self, clustering: Vec<u8>) -> Result<Option<Vec<u8>>> {
        self.dba.get_with(&Key::new(&*self.name, clustering), &self.options).await
    }

    pub(crate) async fn scan(&self, scan: &Scan) -> Result<Page> {
        self.dba.scan_with(&self.name, scan, &self.options).await
    }

    pub(crate) async fn write(&self, batch: Batch) -> Result<()> {
        self.dba.write_with(&self.name, batch, &self.options).await
    }
}

/// The range of keys that begin with `prefix` and go on within `bounds`.
pub(crate) fn within(prefix: &[u8], (start, end): Range) -> Range {
    let prefixed = |rest: Vec<u8>| [prefix, &rest].concat();
    let start = match start {
        Bound::Unbounded => Bound::Included(prefix.to_vec()),
        bound => bound.map(prefixed),
    };
    let end = match end {
        Bound::Unbounded => prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        bound => bound.map(prefixed),
    };
    (start, end)
}

/// What follows the first `prefix` bytes of a row's key.
pub(crate) fn after(prefix: usize, clustering: &[u8]) -> &[u8] {
    clustering.get(prefix..).unwrap_or_default()
}
