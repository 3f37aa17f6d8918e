//! Patience, in a time that passes at once.

use std::io::{self, ErrorKind};

use kvs::env;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::resp::connection::{self, STALL};

/// The client's end of a connection, and how it goes at the server's.
fn connect(server: Server) -> (DuplexStream, JoinHandle<io::Result<()>>) {
    let (near, far) = duplex(1 << 10);
    let address = "127.0.0.1:1".parse().unwrap();
    let (client, registration) = Arc::new(server).welcome(address, address).unwrap();
    let task = env::spawn(async move {
        let (_stop, stopping) = watch::channel(false);
        let _registration = registration;
        connection::serve(far, client, stopping).await
    });
    (near, task)
}

async fn says(stream: &mut DuplexStream, bytes: impl AsRef<[u8]>, expected: &str) {
    stream.write_all(bytes.as_ref()).await.unwrap();
    let mut found = vec![0; expected.len()];
    stream.read_exact(&mut found).await.unwrap();
    assert_eq!(String::from_utf8(found).unwrap(), expected);
}

/// Waits until a connection was ended for its stalling, which it began `since`.
async fn ended(task: JoinHandle<io::Result<()>>, since: Instant) {
    assert_eq!(task.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(since.elapsed() >= STALL && since.elapsed() < 2 * STALL, "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn between_requests_a_client_has_time() {
    let (mut stream, _task) = connect(server(None));
    says(&mut stream, "PING\r\n", "+PONG\r\n").await;
    sleep(STALL * 1_000).await;
    says(&mut stream, "PING\r\n", "+PONG\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn within_a_request_bytes_have_to_come() {
    let (mut stream, task) = connect(server(None));
    for byte in b"*1\r\n$4\r\nPING\r" {
        stream.write_all(&[*byte]).await.unwrap();
        sleep(STALL / 2).await;
    }
    says(&mut stream, "\n", "+PONG\r\n").await;
    stream.write_all(b"*1\r\n$4\r\nPI").await.unwrap();
    ended(task, Instant::now()).await;
}

#[tokio::test(start_paused = true)]
async fn the_password_has_to_come() {
    let (_stream, task) = connect(server(Some("secret")));
    ended(task, Instant::now()).await;

    let (mut stream, _task) = connect(server(Some("secret")));
    says(&mut stream, "AUTH secret\r\n", "+OK\r\n").await;
    sleep(STALL * 1_000).await;
    says(&mut stream, "PING\r\n", "+PONG\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn replies_have_to_be_taken() {
    let (mut stream, task) = connect(server(None));
    let value = "v".repeat(100_000);
    says(&mut stream, format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n{value}\r\n"), "+OK\r\n")
        .await;
    stream.write_all(b"GET k\r\n").await.unwrap();
    ended(task, Instant::now()).await;
}
