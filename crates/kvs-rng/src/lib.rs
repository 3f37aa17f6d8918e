//! The ring: many nodes, one store.
//!
//! **This crate is empty so far**: `kvs` is an embedded store today. Here is what belongs here, so
//! that the crates below are built for it.
//!
//! A partition's hash maps it to one of a fixed number of *buckets*; consistent hashing gives each
//! bucket a preference list of distinct nodes, and the resulting table is agreed among the nodes. A
//! write goes to the N nodes of its bucket and is acknowledged when W of them have it, a read asks R
//! of them; with R + W > N a read sees every acknowledged write before it (DeCandia et al., *Dynamo:
//! Amazon's Highly Available Key-value Store*, SOSP 2007). Concurrent writes are told apart by dotted
//! version vectors.
//!
//! It implements [`kvs_core::Dba`] over the stores of its nodes, under the keys and envelopes of
//! [`kvs_core::format`], and [`kvs_core::EntityStore`] by one log for each bucket.
