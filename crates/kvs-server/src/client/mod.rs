//! Talking to servers over their Redis port.
//!
//! - [`args`]: which servers. [`address`]: where one is.
//! - [`connection`]: one connection, and what can be asked over it. [`error`]: what comes of it when
//!   it doesn't go well, and whether to ask again.
//! - [`link`]: a connection that moves on to the next server when one is lost.
//! - [`entities`]: feeds, sorted sets, leaderboards and registers on servers.

mod address;
mod args;
mod connection;
mod entities;
mod error;
mod link;

pub(crate) use address::Address;
pub(crate) use args::ConnectArgs;
pub(crate) use connection::Connection;
pub(crate) use entities::RemoteEntities;
pub(crate) use error::ClientError;
pub(crate) use link::Link;
