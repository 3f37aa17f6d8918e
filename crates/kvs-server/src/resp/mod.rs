//! The Redis protocol: records for every language's Redis client, and for `redis-cli`.
//!
//! - [`request`]: requests from bytes. [`reply`]: replies to bytes.
//! - [`commands`]: what can be asked for, one table with everything that is known of a command.
//! - [`store`]: what they need of a store.
//! - [`connection`]: one client, from the first byte to the last. [`client`]: who it is.
//!   [`server`]: what clients share. [`listener`]: taking them in and letting them go.
//!
//! # Errors
//! The first word of an error reply tells what a client may do about it:
//!
//! | word | meaning |
//! |---|---|
//! | `ERR` | refused, and would be again; nothing changed |
//! | `UNAVAILABLE` | can't be done now; nothing changed, it is safe to ask again |
//! | `UNKNOWN` | a write failed midway: it may have been applied, or may still be. Read to find out |
//! | `WRONGTYPE` | refused, as in Redis: the name is that of something else |
//! | `NOAUTH`, `WRONGPASS`, `NOPROTO` | as in Redis |
//!
//! # What differs from Redis
//! Strings are entities by default: commands on one key have one order, `INCR` and `SET … NX` mean what
//! they mean in Redis, and a majority of the key's replicas has to be there. With `redis_strings = ring`
//! they are records on a store that takes writes in any order, and what needs an order is refused by
//! name. `RING.*` always speak to the ring. A command on several keys is not atomic across them. Requests
//! are executed in order for each connection; those of a pipeline are answered in one write.
//!
//! Values of strings and records are bytes, as they come. Feeds, sorted sets and leaderboards hold texts,
//! as those of the command line do.

mod client;
mod commands;
mod connection;
mod listener;
mod reply;
mod request;
mod server;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use listener::listen;
pub(crate) use server::Server;
