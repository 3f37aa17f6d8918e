//! The ring: many nodes, one store.
//!
//! A partition's hash maps it to one of a fixed number of *buckets*; consistent hashing gives each
//! bucket a preference list of distinct nodes, and the resulting table, the [`layout`], is agreed
//! among the nodes. A write goes to the N nodes of its bucket and is acknowledged when W of them have
//! it, a read asks R of them; with R + W > N a read sees every acknowledged write before it (DeCandia
//! et al., *Dynamo: Amazon's Highly Available Key-value Store*, SOSP 2007). Concurrent writes are told
//! apart by dotted version vectors.
//!
//! **Who is in the ring is agreed; who is up is only suspected.** The layout changes by consensus
//! alone; a suspicion makes requests go elsewhere and moves nothing.
//!
//! # The parts
//! From the bottom up; each uses only those above it.
//!
//! - [`hash`]: from partitions to buckets.
//! - [`identity`]: who a node is, for as long as it keeps its disk.
//! - [`layout`]: members, quorum and the table of buckets, and how it is planned.
//! - [`version`]: causality of writes, siblings, and how they are resolved.
//! - [`transport`]: requests and answers between nodes.
//! - [`membership`]: who seems to be up.
//! - [`consensus`]: how the layout is agreed.
//! - [`replica`]: what one node holds.
//! - [`hints`]: which keys a node that is away has missed.
//! - [`log`]: one order of writes for each bucket, by one owner at a time.
//! - [`coordinator`]: quorum reads and writes over the replicas; the ring as a store.
//! - [`node`]: all of it, wired.

pub mod consensus;
pub mod coordinator;
pub mod hash;
pub mod hints;
pub mod identity;
pub mod layout;
pub mod log;
pub mod membership;
pub mod node;
pub mod replica;
pub mod transport;
pub mod version;
