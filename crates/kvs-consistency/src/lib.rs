//! Sequential execution of the commands of feeds, sorted sets and other entities.
//!
//! **This crate is empty so far.** What belongs here: commands as messages that travel to the owner
//! of their entity, run there against a [`kvs_core::entity::Scope`], and are replicated as a write
//! set. Within one process the facade runs commands by [`kvs_core::entity::run`] today.
