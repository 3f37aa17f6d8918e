//! Asking a node.

use std::net::SocketAddr;
use std::time::Duration;

use kvs_check::history::Outcome;
use redis::{Client as Redis, Cmd, Connection, FromRedisValue, RedisError, cmd};
use serde_json::Value;

/// How long a node may take to answer, unless told otherwise.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    /// Nothing was done, and never will be.
    not_applied: bool,
}

pub(crate) type Answer<T> = Result<T, Failure>;

/// A client of one node, which connects anew when its connection is gone.
pub(crate) struct Client {
    address: SocketAddr,
    answer_max: Duration,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, answer_max: ANSWER_MAX, connection: None }
    }

    /// The same, for which an answer that takes longer is none.
    pub(crate) fn answer_max(self, answer_max: Duration) -> Self {
        Self { answer_max, ..self }
    }

    pub(crate) fn put(&mut self, key: &str, value: &str) -> Answer<()> {
        self.ask(cmd("RING.PUT").arg(key).arg(value)).map(|answer: String| assert_eq!(answer, "OK"))
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

    /// Runs a command, and tells whether it was surely not applied if there is no answer.
    pub(crate) fn call<T: FromRedisValue>(&mut self, command: &Cmd) -> Outcome<T> {
        if self.connection.is_none() {
            match self.connect() {
                Ok(connection) => self.connection = Some(connection),
                Err(_) => return Outcome::NotApplied,
            }
        }
        match self.ask(command) {
            Ok(answer) => Outcome::Ok(answer),
            Err(Failure { not_applied: true, .. }) => Outcome::NotApplied,
            Err(_) => Outcome::Unknown,
        }
    }

    fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Answer<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| self.failure(&error))?,
        };
        let answer = command.query(&mut connection);
        let error = match answer {
            Ok(answer) => {
                self.connection = Some(connection);
                return Ok(answer);
            }
            Err(error) => error,
        };
        match error.code() {
            // The connection is of no more use.
            None => {}
            Some("UNAVAILABLE" | "UNKNOWN") => self.connection = Some(connection),
            Some(_) => panic!("{} refuses what it should take: {error}", self.address),
        }
        Err(self.failure(&error))
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let redis = Redis::open(format!("redis://{}", self.address))?;
        let connection = redis.get_connection_with_timeout(self.answer_max)?;
        connection.set_read_timeout(Some(self.answer_max))?;
        Ok(connection)
    }

    fn failure(&self, error: &RedisError) -> Failure {
        let not_applied = error.code() == Some("UNAVAILABLE");
        Failure { text: format!("{}: {error}", self.address), not_applied }
    }
}
