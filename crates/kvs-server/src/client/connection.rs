//! One connection to a server.

use std::time::Duration;

use kvs::CommandId;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, cmd,
};
use serde_json::Value;

use super::{Address, ClientError};

/// How long a server may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(3);

type Result<T> = std::result::Result<T, ClientError>;

/// A connection to a server. Clones share it; what they ask at the same time goes out together and is
/// answered in order.
#[derive(Clone)]
pub(crate) struct Connection {
    address: Address,
    redis: MultiplexedConnection,
}

impl Connection {
    /// Connects, and gives the password. An answer that takes longer than `answer_max` counts as
    /// lost.
    pub(crate) async fn open(
        address: &Address,
        password: Option<&str>,
        answer_max: Duration,
    ) -> Result<Self> {
        let failed = |error| ClientError::of_opening(address, error);
        let mut login = RedisConnectionInfo::default();
        if let Some(password) = password {
            login = login.set_password(password);
        }
        let at = ConnectionAddr::Tcp(address.host.clone(), address.port);
        let info = at.into_connection_info().map_err(failed)?.set_redis_settings(login);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(answer_max));
        let client = Client::open(info).map_err(failed)?;
        let redis = client.get_multiplexed_async_connection_with_config(&config).await;
        Ok(Self { address: address.clone(), redis: redis.map_err(failed)? })
    }

    /// The record `key` as bytes; `None` if there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.ask(cmd("RING.GET").arg(key), false).await
    }

    /// Sets the record `key`.
    pub(crate) async fn put(&self, key: &str, value: &[u8]) -> Result<()> {
        self.write(cmd("RING.PUT").arg(key).arg(value)).await
    }

    /// Removes the record `key`, if it is there.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        self.write(cmd("RING.DELETE").arg(key)).await
    }

    /// Has the server execute the encoded `command` on the entity `name`, and gives the encoded
    /// answer. A command with an id writes, and is applied once however often it is sent.
    pub(crate) async fn execute(
        &self,
        name: &[u8],
        command: &[u8],
        id: Option<CommandId>,
    ) -> Result<Vec<u8>> {
        let mut request = cmd("ENTITY.EXEC");
        request.arg(name).arg(command);
        if let Some(id) = id {
            request.arg("ID").arg(id.to_string());
        }
        self.ask(&request, id.is_some()).await
    }

    /// The ring as the server sees it: see [`RingStatus`](crate::ring_status::RingStatus).
    pub(crate) async fn ring_status(&self) -> Result<Value> {
        let json: String = self.ask(&cmd("RING.STATUS"), false).await?;
        serde_json::from_str(&json).map_err(|error| self.strange(false, error.to_string()))
    }

    /// Only `OK` acknowledges a write.
    async fn write(&self, command: &Cmd) -> Result<()> {
        let answer: String = self.ask(command, true).await?;
        if answer == "OK" { Ok(()) } else { Err(self.strange(true, format!("{answer:?}"))) }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd, writing: bool) -> Result<T> {
        let answer = command.query_async(&mut self.redis.clone()).await;
        answer.map_err(|error| ClientError::of_asking(&self.address, writing, error))
    }

    /// The error of an answer that makes no sense.
    pub(crate) fn strange(&self, writing: bool, problem: String) -> ClientError {
        ClientError::Answer { address: self.address.clone(), writing, problem }
    }
}
