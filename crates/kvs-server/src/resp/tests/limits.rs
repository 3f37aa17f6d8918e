//! Who may say how much, and what many may ask for.

use super::*;

#[tokio::test]
async fn before_the_password_little_is_allowed() {
    let listening = start(server(Some("secret"))).await;
    let mut raw = Raw::connect(&listening).await;
    let no_auth = "-NOAUTH Authentication required.\r\n";
    for request in ["PING", "GET k", "SET k v", "NOPE", "INCR k", "INFO", "COMMAND", "CLIENT LIST"]
    {
        raw.says(format!("{request}\r\n"), no_auth).await;
    }
    raw.says("HELLO 3\r\n", "-NOAUTH HELLO must be called").await;
    for bytes in ["*11\r\n", "*2\r\n$4\r\nAUTH\r\n$16385\r\n"] {
        let mut raw = Raw::connect(&listening).await;
        raw.says(bytes, "-ERR Protocol error: unauthenticated ").await;
    }

    let mut raw = Raw::connect(&listening).await;
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    raw.says("AUTH wrong\r\n", wrong).await;
    raw.says("AUTH other secret\r\n", wrong).await;
    raw.says("HELLO 2 AUTH default wrong\r\n", wrong).await;
    raw.says("PING\r\n", no_auth).await;
    raw.says("AUTH secret\r\nPING\r\n", "+OK\r\n+PONG\r\n").await;
    raw.says("RESET\r\nPING\r\n", format!("+RESET\r\n{no_auth}")).await;
    raw.says("HELLO 3 AUTH default secret SETNAME me\r\n", "%8\r\n").await;

    // The larger limits hold from the very next request of a pipeline.
    let mut raw = Raw::connect(&listening).await;
    let value = "v".repeat(100_000);
    raw.send("AUTH secret\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n").await;
    raw.says(format!("$100000\r\n{value}\r\n"), "+OK\r\n+OK\r\n").await;
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let listening = start(server(None).clients_max(2)).await;
    let mut first = Raw::connect(&listening).await;
    let mut second = Raw::connect(&listening).await;
    first.says("PING\r\n", "+PONG\r\n").await;
    second.says("PING\r\n", "+PONG\r\n").await;
    let mut third = Raw::connect(&listening).await;
    third.expect_last("-ERR max number of clients reached\r\n").await;
    first.says("PING\r\n", "+PONG\r\n").await;
    drop(second);
    // Its place is free once its end is noticed.
    let welcome = async {
        loop {
            let mut next = Raw::connect(&listening).await;
            let (mut kind, _) = (0, next.0.write_all(b"PING\r\n").await);
            if let Ok(byte) = next.0.read_u8().await {
                kind = byte;
            }
            if kind == b'+' {
                break;
            }
        }
    };
    timeout(SOON, welcome).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_nobody() {
    let listening = start(server(None)).await;
    let mut other = Raw::connect(&listening).await;
    let value = "v".repeat(1 << 20);
    other.says(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n{value}\r\n"), "+OK\r\n").await;

    let mut deaf = Raw::connect(&listening).await;
    deaf.send("GET k\r\n".repeat(200)).await;
    for _ in 0..10 {
        other.says("PING\r\n", "+PONG\r\n").await;
    }
    // Once it listens it gets all it asked for.
    let reply = format!("$1048576\r\n{value}\r\n");
    for _ in 0..200 {
        deaf.expect(&reply).await;
    }
}

#[tokio::test]
async fn an_answer_has_to_fit_into_memory() {
    let listening = start(server_of(Kvs::memory(), RedisStrings::Ring, None)).await;
    let mut raw = Raw::connect(&listening).await;
    let value = "v".repeat(16 << 20);
    raw.says(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$16777216\r\n{value}\r\n"), "+OK\r\n").await;
    raw.says("MGET k k k\r\n", "-ERR the records are more than 33554432 bytes together").await;
    raw.says("", "; ask for fewer\r\n").await;
    raw.says("PING\r\n", "+PONG\r\n").await;
}
