//! The bytes that stores keep, shared by every backend and by the ring.
//!
//! `docs/FORMAT.md` draws them; the fixtures in the repository's `tests` hold them still.

pub mod envelope;
pub mod stored_key;
