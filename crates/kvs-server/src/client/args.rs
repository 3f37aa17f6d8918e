//! Which servers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Address, ClientError, Connection};
use crate::error::Result;
use crate::serve::Secret;

/// How long a single command waits for an answer. The server gives up earlier, unless its
/// `--gather-timeout` is longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The servers of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectArgs {
    /// A server, by the port of its Redis protocol, instead of --data-dir; may repeat: the next one
    /// is tried if one can't be reached
    #[arg(long, global = true, value_name = "HOST:PORT")]
    connect: Vec<Address>,

    /// A file with the password of the server
    #[arg(long, global = true, env = "KVS_PASSWORD_FILE", hide_env_values = true)]
    #[arg(value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl ConnectArgs {
    /// Whether none is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.connect.is_empty()
    }

    /// The addresses, in the order in which they are to be tried.
    pub(crate) fn addresses(&self) -> &[Address] {
        &self.connect
    }

    /// The password, if there is one.
    ///
    /// # Errors
    /// A file that can't be read, is empty, or isn't UTF-8.
    pub(crate) fn password(&self) -> Result<Option<String>> {
        const FLAG: &str = "--password-file";
        let Some(path) = &self.password_file else { return Ok(None) };
        Ok(Some(Secret::read(path, FLAG)?.text(FLAG)?.to_owned()))
    }

    /// A connection to the first server that can be reached; `None` if no server is named.
    ///
    /// # Errors
    /// That of the last one, or a wrong password.
    pub(crate) async fn open_one(&self) -> Result<Option<Connection>> {
        if self.is_empty() {
            return Ok(None);
        }
        let password = self.password()?;
        let mut failed: Option<ClientError> = None;
        for address in &self.connect {
            match Connection::open(address, password.as_deref(), ANSWER_MAX).await {
                Ok(connection) => return Ok(Some(connection)),
                Err(error) if error.is_retryable() => failed = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        failed.map_or(Ok(None), |error| Err(error.into()))
    }
}
