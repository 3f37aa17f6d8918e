//! Asking a node.

use std::net::SocketAddr;
use std::time::Duration;

use redis::{Client as Redis, Cmd, Connection, FromRedisValue, RedisError, cmd};
use serde_json::Value;

/// How long a node may take to answer before another one is asked. A node that stands still is no
/// reason to wait.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was done.
    NotApplied(String),
    /// It may have been done.
    Unknown(String),
}

pub(crate) type Answer<T> = Result<T, Failure>;

/// A client of one node, which connects anew when its connection is gone.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    pub(crate) fn put(&mut self, key: &str, value: &str) -> Answer<()> {
        self.ask(cmd("RING.PUT").arg(key).arg(value)).map(|answer: String| assert_eq!(answer, "OK"))
    }

    /// The same by the command that every client has.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Answer<()> {
        self.ask(cmd("SET").arg(key).arg(value)).map(|answer: String| assert_eq!(answer, "OK"))
    }

    pub(crate) fn delete(&mut self, key: &str) -> Answer<()> {
        self.ask(cmd("RING.DELETE").arg(key)).map(|answer: String| assert_eq!(answer, "OK"))
    }

    pub(crate) fn get(&mut self, key: &str) -> Answer<Option<String>> {
        self.ask(cmd("RING.GET").arg(key))
    }

    /// The ring as the node sees it.
    pub(crate) fn ring(&mut self) -> Answer<Value> {
        let json: String = self.ask(&cmd("RING.STATUS"))?;
        Ok(serde_json::from_str(&json).unwrap())
    }

    fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Answer<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| Failure::NotApplied(self.told(&error)))?,
        };
        let answer = command.query(&mut connection);
        if answer.as_ref().is_err_and(|error: &RedisError| error.code().is_none()) {
            // The connection is of no more use.
            return answer.map_err(|error| Failure::Unknown(self.told(&error)));
        }
        self.connection = Some(connection);
        answer.map_err(|error| match error.code() {
            Some("UNAVAILABLE") => Failure::NotApplied(self.told(&error)),
            Some("UNKNOWN") => Failure::Unknown(self.told(&error)),
            _ => panic!("{} refuses what it should take: {error}", self.address),
        })
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let redis = Redis::open(format!("redis://{}", self.address))?;
        let connection = redis.get_connection_with_timeout(ANSWER_MAX)?;
        connection.set_read_timeout(Some(ANSWER_MAX))?;
        Ok(connection)
    }

    fn told(&self, error: &RedisError) -> String {
        format!("{}: {error}", self.address)
    }
}
