//! A connection that moves on to the next server when one fails.

use std::time::Duration;

use super::{Address, ClientError, Connection};

/// How long an answer may take before the next server is asked. Longer than what a server waits for
/// its peers by default, so that its own answer comes first.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A connection to one of several servers.
pub(crate) struct Link {
    addresses: Vec<Address>,
    password: Option<String>,
    /// Whose turn it is, counted round and round.
    turn: usize,
    connection: Option<Connection>,
}

impl Link {
    /// No connection yet; the first goes to the address number `first`, counted round and round.
    pub(crate) fn new(addresses: &[Address], password: Option<&str>, first: usize) -> Self {
        let (addresses, password) = (addresses.to_vec(), password.map(str::to_owned));
        Self { addresses, password, turn: first, connection: None }
    }

    /// The connection that is open, or else a new one to the server whose turn it is.
    ///
    /// # Errors
    /// That server can't be reached or refuses the password.
    pub(crate) async fn connection(&mut self) -> Result<Connection, ClientError> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let turn = self.turn.checked_rem(self.addresses.len()).unwrap_or_default();
        let address = self.addresses.get(turn).ok_or(ClientError::Nowhere)?;
        let connection = Connection::open(address, self.password.as_deref(), ANSWER_MAX).await?;
        Ok(self.connection.insert(connection).clone())
    }

    /// Leaves this server for the next one. If there is no other, a new connection to it is made.
    pub(crate) fn move_on(&mut self) {
        self.connection = None;
        self.turn = self.turn.wrapping_add(1);
    }
}
