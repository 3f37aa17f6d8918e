//! The admin port over real sockets.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::FutureExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

struct Fake {
    ready: AtomicBool,
}

impl Node for Fake {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        let ready = self.ready.load(Ordering::SeqCst);
        async move { ready.then_some(()).ok_or_else(|| "no majority".to_owned()) }.boxed()
    }

    fn ring(&self) -> BoxFuture<'_, Value> {
        async { json!({ "state": "effective" }) }.boxed()
    }
}

async fn start(password: Option<&str>) -> (Arc<Fake>, Listening) {
    let node = Arc::new(Fake { ready: AtomicBool::new(true) });
    let address = "127.0.0.1:0".parse().unwrap();
    let listening = listen(address, node.clone(), password.map(Secret::from)).await.unwrap();
    (node, listening)
}

/// Sends bytes, and gives all that comes back.
async fn exchange(listening: &Listening, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    // What was answered counts, even if the connection is reset as the rest wasn't read.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The status and body of what is at `path`.
async fn get(listening: &Listening, path: &str, header: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: kvs\r\nConnection: close\r\n{header}\r\n");
    let answer = exchange(listening, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[tokio::test]
async fn a_node_tells_how_it_is() {
    let (node, listening) = start(None).await;
    assert_eq!(get(&listening, "/healthz", "").await, (200, "ok\n".into()));
    assert_eq!(get(&listening, "/readyz", "").await, (200, "ready\n".into()));
    node.ready.store(false, Ordering::SeqCst);
    let unready = (503, r#"{"error":"no majority"}"#.into());
    assert_eq!(get(&listening, "/readyz", "").await, unready);
    assert_eq!(get(&listening, "/healthz", "").await.0, 200);
    let ring = (200, r#"{"state":"effective"}"#.into());
    assert_eq!(get(&listening, "/v1/ring", "").await, ring);
    assert_eq!(get(&listening, "/", "").await.0, 404);
}

#[tokio::test]
async fn the_ring_is_shown_to_those_with_the_password() {
    let (_node, listening) = start(Some("secret")).await;
    for (header, status) in [
        ("", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Bearer secret\r\n", 200),
        ("Authorization: Basic YWRtaW46c2VjcmV0\r\n", 200),
    ] {
        assert_eq!(get(&listening, "/v1/ring", header).await.0, status, "{header}");
    }
    assert_eq!(get(&listening, "/healthz", "").await.0, 200);
    assert_eq!(get(&listening, "/readyz", "").await.0, 200);
}

#[tokio::test]
async fn garbage_is_refused_and_others_are_served() {
    let (_node, listening) = start(None).await;
    let mut half = TcpStream::connect(listening.address()).await.unwrap();
    half.write_all(b"GET /readyz HTTP/1.1\r\nHo").await.unwrap();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
    for bytes in [&b"\x16\x03\x01\x00\xff"[..], b"*1\r\n$4\r\nPING\r\n\r\n", long.as_bytes()] {
        let answer = exchange(&listening, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(get(&listening, "/healthz", "").await.0, 200);
    }
    let post =
        "POST /v1/ring HTTP/1.1\r\nHost: kvs\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(exchange(&listening, post.as_bytes()).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn stopping_closes_the_port() {
    let (_node, listening) = start(None).await;
    let address = listening.address();
    assert_eq!(get(&listening, "/healthz", "").await.0, 200);
    listening.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}
