//! Reading an entity without a turn.

use std::sync::Arc;

use crate::dba::Dba;

/// The rows of one entity as of one moment, for one query; see
/// [`EntityStore::view`](super::EntityStore::view).
///
/// Nothing stands still for it: whether the rows did is known at the [end](Self::end).
pub struct View {
    rows: Arc<dyn Dba>,
    end: Box<dyn FnOnce() -> bool + Send>,
}

impl View {
    /// A view of `rows`. `end` says whether they stood still since, and then notes in the session of the
    /// call what was seen.
    pub fn new(rows: Arc<dyn Dba>, end: impl FnOnce() -> bool + Send + 'static) -> Self {
        Self { rows, end: Box::new(end) }
    }

    /// The rows.
    pub fn rows(&self) -> Arc<dyn Dba> {
        self.rows.clone()
    }

    /// Ends the view, and says whether all that was read through it is of one moment, which the call's
    /// session has then seen. If not, what was read is worth nothing.
    #[must_use]
    pub fn end(self) -> bool {
        (self.end)()
    }
}
