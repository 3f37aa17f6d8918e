//! Full-text search over records.
//!
//! **This crate is empty so far.** What belongs here: inverted indexes (by `tantivy`) whose files
//! are stored through any [`kvs_core::Dba`], with one writer for each index and readers anywhere.
//! Segment files never change once written, so they are plain chunks; only the index's list of
//! segments changes, and that is an [entity](kvs_core::entity).
