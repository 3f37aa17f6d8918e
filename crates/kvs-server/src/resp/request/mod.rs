//! Requests of the Redis protocol, parsed as their bytes arrive.
//!
//! A request is an array of strings, or for people at a terminal a line of words:
//!
//! ```text
//! *2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n
//! GET greeting\r\n
//! ```
//!
//! The parser takes whatever bytes there are and keeps what it has learnt from them, so each byte
//! is looked at once, however the stream is cut. It holds no more than [`Limits`] allow and only
//! what has arrived: an announced length costs nothing. Unlike replies, requests never nest, so
//! there is nothing to recurse into.

mod inline;
mod limits;
mod parser;
#[cfg(test)]
mod tests;

pub(crate) use limits::Limits;
pub(crate) use parser::Parser;

/// The name of a command and its arguments; never empty.
pub(crate) type Request = Vec<Vec<u8>>;
