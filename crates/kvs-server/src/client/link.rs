//! A connection that moves on to the next server when one fails.

use std::iter::{Cycle, Peekable, Skip};
use std::slice::Iter;
use std::time::Duration;

use super::{Address, ClientError, Connection};

/// How long an answer may take before the next server is asked. Longer than what a server waits for
/// its peers by default, so that its own answer comes first.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A connection to one of several servers.
pub(crate) struct Link<'a> {
    turns: Peekable<Skip<Cycle<Iter<'a, Address>>>>,
    password: Option<&'a str>,
    connection: Option<Connection>,
}

impl<'a> Link<'a> {
    /// No connection yet; the first goes to the address number `first`, counted round and round.
    pub(crate) fn new(addresses: &'a [Address], password: Option<&'a str>, first: usize) -> Self {
        let turns = addresses.iter().cycle().skip(first).peekable();
        Self { turns, password, connection: None }
    }

    /// The connection that is open, or else a new one to the server whose turn it is.
    ///
    /// # Errors
    /// That server can't be reached or refuses the password.
    pub(crate) async fn connection(&mut self) -> Result<Connection, ClientError> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let address = self.turns.peek().ok_or(ClientError::Nowhere)?;
        let connection = Connection::open(address, self.password, ANSWER_MAX).await?;
        Ok(self.connection.insert(connection).clone())
    }

    /// Leaves this server for the next one. If there is no other, a new connection to it is made.
    pub(crate) fn move_on(&mut self) {
        self.connection = None;
        self.turns.next();
    }
}
