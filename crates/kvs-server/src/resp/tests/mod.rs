//! The server over real sockets.

mod clients;
mod entities;
mod limits;
mod raw;
mod remote;
mod stalls;
mod stopping;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use kvs::Kvs;
use kvs::env::Env;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::listener::{Listening, listen};
use super::server::Server;
use crate::http::Node;
use crate::resp::store::Records;
use crate::serve::{RedisStrings, Secret};

/// A deadline for what should happen at once.
const SOON: Duration = Duration::from_secs(60);

/// A server of an empty store in memory.
fn server(password: Option<&str>) -> Server {
    let password = password.map(Secret::from);
    server_of(Kvs::memory(), RedisStrings::Entity, password)
}

fn server_of(kvs: Kvs, strings: RedisStrings, password: Option<Secret>) -> Server {
    let records = Arc::new(kvs.records());
    Server::new(records, kvs, strings, Arc::new(Lonely), password, Env::system())
}

/// A server of other records.
fn server_on(records: impl Records) -> Server {
    let kvs = Kvs::memory();
    let strings = RedisStrings::Ring;
    Server::new(Arc::new(records), kvs, strings, Arc::new(Lonely), None, Env::system())
}

/// A node with nothing to tell but its state.
struct Lonely;

impl Node for Lonely {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        async { Ok(()) }.boxed()
    }

    fn ring(&self) -> BoxFuture<'_, Value> {
        async { json!({ "state": "effective" }) }.boxed()
    }
}

async fn start(server: Server) -> Listening {
    listen("127.0.0.1:0".parse().unwrap(), Arc::new(server)).await.unwrap()
}

/// A connection that speaks bytes.
struct Raw(TcpStream);

impl Raw {
    async fn connect(listening: &Listening) -> Self {
        Self(TcpStream::connect(listening.address()).await.unwrap())
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(SOON, self.0.write_all(bytes.as_ref())).await.unwrap().unwrap();
    }

    /// Reads exactly this.
    async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let mut found = vec![0; expected.as_ref().len()];
        timeout(SOON, self.0.read_exact(&mut found)).await.unwrap().unwrap();
        assert_eq!(found.escape_ascii().to_string(), expected.as_ref().escape_ascii().to_string());
    }

    /// Reads exactly this, and then the end.
    async fn expect_last(&mut self, expected: impl AsRef<[u8]>) {
        self.expect(expected).await;
        self.expect_end().await;
    }

    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end as well: bytes that the server didn't read any more cause it.
        let _ = timeout(SOON, self.0.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(rest.escape_ascii().to_string(), "");
    }

    /// Sends bytes and expects others.
    async fn says(&mut self, bytes: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
        self.send(bytes).await;
        self.expect(expected).await;
    }
}
