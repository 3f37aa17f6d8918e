//! Where a command works: on an embedded store, or on a server.

use kvs::Key;
use kvs::entities::Executor;

use crate::cli::{Command, RingCommand};
use crate::client::{ConnectArgs, Connection, RemoteEntities};
use crate::error::{Failure, Result};
use crate::store::StoreArgs;

/// An embedded store, or a server if one is named.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) store: StoreArgs,
    pub(crate) connect: ConnectArgs,
}

impl Place {
    /// Refuses a command that can't work there.
    ///
    /// # Errors
    /// [`Failure::Usage`] with what can.
    pub(crate) fn check(&self, command: &Command) -> Result {
        let usage = |text: String| Err(Failure::Usage(text));
        let name = command.name();
        if self.connect.is_empty() {
            return match command {
                Command::Load(_) | Command::Ring(RingCommand::Status) => usage(format!(
                    "{name} works on a server: --connect HOST:PORT, with the port of its Redis \
                     protocol"
                )),
                _ => Ok(()),
            };
        }
        match command {
            Command::Get { .. } | Command::Put { .. } | Command::Delete { .. } => {}
            Command::Feed(_) | Command::Sorted(_) | Command::Leaderboard(_) => {}
            Command::Load(_) | Command::Demo(_) | Command::Ring(RingCommand::Status) => {}
            Command::Ring(RingCommand::RecoverVoters { .. }) => {
                return usage(
                    "ring recover-voters works on the folder of a stopped node: --data-dir DIR, \
                     without --connect"
                        .to_owned(),
                );
            }
            _ => {
                return usage(format!(
                    "{name} doesn't work with --connect; get, put, delete, feed, sorted, \
                     leaderboard, load, ring and demo do"
                ));
            }
        }
        if let Some(flag) = self.store.said() {
            return usage(format!("{flag} doesn't go with --connect: the store is the server's"));
        }
        Ok(())
    }

    /// The same, but with a folder of its own for each backend unless the folder was said.
    pub(crate) fn for_demo(self) -> Self {
        Self { store: self.store.for_demo(), ..self }
    }

    /// The feeds, sorted sets, leaderboards and registers there. An embedded store is made if it
    /// isn't there: for commands that write.
    pub(crate) async fn open_or_create(&self) -> Result<Executor> {
        match self.connect.is_empty() {
            true => Ok(self.store.open_or_create().await?.entities().clone()),
            false => RemoteEntities::open(&self.connect).await,
        }
    }

    /// The same, but an embedded store has to be there: for commands that read or remove.
    pub(crate) async fn open(&self) -> Result<Executor> {
        match self.connect.is_empty() {
            true => Ok(self.store.open().await?.entities().clone()),
            false => RemoteEntities::open(&self.connect).await,
        }
    }

    /// The record `key` as bytes; `None` if there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.connect.open_one().await? {
            Some(server) => Ok(server.get(key).await?),
            None => Ok(self.store.open().await?.records().get(&Key::from(key)).await?),
        }
    }

    /// Sets the record `key`.
    pub(crate) async fn put(&self, key: &str, value: Vec<u8>) -> Result {
        match self.connect.open_one().await? {
            Some(server) => Ok(server.put(key, &value).await?),
            None => {
                let records = self.store.open_or_create().await?.records();
                Ok(records.put(&Key::from(key), value).await?)
            }
        }
    }

    /// Removes the record `key`, and tells whether it was there.
    pub(crate) async fn delete(&self, key: &str) -> Result<bool> {
        match self.connect.open_one().await? {
            Some(server) => delete_there(&server, key).await,
            None => {
                let records = self.store.open().await?.records();
                let row = Key::from(key);
                let was_there = records.get(&row).await?.is_some();
                if was_there {
                    records.delete(&row).await?;
                }
                Ok(was_there)
            }
        }
    }
}

async fn delete_there(server: &Connection, key: &str) -> Result<bool> {
    let was_there = server.get(key).await?.is_some();
    if was_there {
        server.delete(key).await?;
    }
    Ok(was_there)
}
