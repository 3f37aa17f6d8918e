//! Requests and answers between nodes.
//!
//! A [`Transport`] listens for other nodes, hands their requests to a [`Service`] and calls theirs.
//! Between two nodes there is one long-lived connection for each direction of asking and each
//! [`Channel`]: control and bulk apart, so that a large transfer never stands before a small question.
//! Many calls share a connection: each has an id, and answers come in any order.
//!
//! # The life of a call
//! 1. [`Transport::call`] finds the connection to the target (`pool`), or opens it: connect, secure
//!    ([`Security`]), say who is who (`handshake`).
//! 2. The call gets an id and waits, with its request, in the connection's table and queue (`client`);
//!    the connection writes many frames ([`frame`]) at once (`connection`).
//! 3. The other side (`server`) runs one task for each request and queues the answer.
//! 4. The answer, the deadline or the end of the connection ends the call, whichever is first.
//!
//! # What a failed call says
//! [`CallError`] tells apart what surely was not executed ([`CallError::NotSent`]) from what may have
//! been ([`CallError::Lost`]). A call counts as sent from the moment its request is taken to be written.
//!
//! # Dead peers
//! Each side of a connection writes a ping when it had nothing else to say for a while, and gives the
//! connection up when it hears nothing for [`Config::keep_alive`]. After that, and after a failed
//! attempt to connect, calls to that address fail at once while the pause before the next attempt
//! lasts (exponential, with jitter); nobody waits for a node that is known to be dead.
//!
//! # Limits
//! Everything has one: frames ([`frame::FRAME_MAX`]), calls in flight on a connection
//! ([`CALLS_IN_FLIGHT_MAX`], [`UNSENT_BYTES_MAX`]), requests that a connection may have running
//! ([`Config::requests_in_flight_max`]; beyond it nothing more is read from that connection),
//! connections ([`Config::connections_max`]) and connections that have not said who they are
//! ([`HANDSHAKES_MAX`]).

mod client;
mod config;
mod connection;
mod counters;
mod door;
mod endpoint;
mod error;
pub mod frame;
pub mod handshake;
mod node;
mod phase;
mod pool;
pub mod secure;
mod server;
mod service;
#[cfg(test)]
mod tests;

pub use client::{CALLS_IN_FLIGHT_MAX, UNSENT_BYTES_MAX};
pub use config::{Config, ConfigError, PROTOCOL};
pub use counters::PeerCounters;
pub use door::Door;
pub use error::{CallError, ConnectError, Reason, StartError};
pub use handshake::{Channel, Peer};
pub use node::{Target, Transport};
pub use secure::Security;
pub use server::{HANDSHAKES_MAX, REQUEST_BYTES_IN_FLIGHT_MAX};
pub use service::{Fault, Service};
