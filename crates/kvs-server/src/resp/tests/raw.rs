//! Bytes: pipelines, people at a terminal, halves, garbage, and what each command says.

use super::*;

#[tokio::test]
async fn commands_answer_as_redis_does() {
    let listening = start(server_of(Kvs::memory(), RedisStrings::Ring, None)).await;
    let mut raw = Raw::connect(&listening).await;
    for (request, reply) in [
        ("PING", "+PONG"),
        ("ping 'a b'", "$3\r\na b"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
        ("ECHO", "-ERR wrong number of arguments for 'echo' command"),
        ("ECHO hello", "$5\r\nhello"),
        ("NOPE a b", "-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' "),
        ("SELECT 0", "+OK"),
        ("SELECT 1", "-ERR DB index is out of range"),
        ("GET k", "$-1"),
        ("SET k v", "+OK"),
        ("GET k", "$1\r\nv"),
        ("RING.GET k", "$1\r\nv"),
        ("EXISTS k k none", ":2"),
        ("MGET k none k", "*3\r\n$1\r\nv\r\n$-1\r\n$1\r\nv"),
        ("DEL k k none", ":1"),
        ("RING.PUT k w", "+OK"),
        ("GET k", "$1\r\nw"),
        ("RING.DELETE k", "+OK"),
        ("RING.DELETE k", "+OK"),
        ("EXISTS k", ":0"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("GET a b", "-ERR wrong number of arguments for 'get' command"),
        ("RING.PUT a", "-ERR wrong number of arguments for 'ring.put' command"),
        ("SET k", "-ERR wrong number of arguments for 'set' command"),
        (
            "set k v nx",
            "-ERR SET with NX needs an order of writes; records on the ring have none. Nothing was \
             done",
        ),
        (
            "SET k v EX 10",
            "-ERR SET with EX isn't supported: records don't expire. Nothing was done",
        ),
        ("SET k v WAT", "-ERR syntax error"),
        ("EXISTS k", ":0"),
        (
            "incr k",
            "-ERR INCR needs an order of writes; records on the ring have none. Nothing was done",
        ),
        (
            "GETSET k v",
            "-ERR GETSET needs an order of writes; records on the ring have none. Nothing was done",
        ),
        ("DBSIZE", "-ERR DBSIZE isn't supported: the store doesn't count its records"),
        ("SET '' v", "-ERR partition length in bytes (empty key) is 0, the limit is 1"),
        ("CLIENT GETNAME", "$-1"),
        ("CLIENT SETNAME me", "+OK"),
        ("CLIENT GETNAME", "$2\r\nme"),
        (
            "CLIENT SETNAME 'a b'",
            "-ERR Client names cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT ID", ":1"),
        ("CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command"),
        ("CLIENT KILL", "-ERR unknown subcommand 'KILL' of CLIENT"),
        ("CLIENT SETINFO lib-name test", "+OK"),
        ("CONFIG GET max*s", "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000"),
        ("CONFIG SET a b", "-ERR unknown subcommand 'SET' of CONFIG"),
        ("COMMAND COUNT", ":52"),
        ("COMMAND INFO nope", "*1\r\n$-1"),
        ("COMMAND DOCS nope", "*0"),
        (
            "COMMAND INFO get",
            "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*0\r\n*0\
             \r\n*0\r\n*0",
        ),
        ("AUTH secret", "-ERR AUTH given, but this server has no password"),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO 3 WAT", "-ERR Syntax error in HELLO option 'WAT'"),
        ("RESET", "+RESET"),
        ("CLIENT GETNAME", "$-1"),
    ] {
        raw.says(format!("{request}\r\n"), format!("{reply}\r\n")).await;
    }
    raw.send("QUIT\r\nPING\r\n").await;
    raw.expect_last("+OK\r\n").await;
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order() {
    let listening = start(server(None)).await;
    let mut raw = Raw::connect(&listening).await;
    let (mut requests, mut replies) = (String::new(), String::new());
    for i in 0..1_000 {
        requests.push_str(&format!("SET key{i} {i}\r\nGET key{i}\r\nNOPE\r\n"));
        let length = i.to_string().len();
        replies.push_str(&format!("+OK\r\n${length}\r\n{i}\r\n"));
        replies.push_str("-ERR unknown command 'NOPE', with args beginning with: \r\n");
    }
    raw.says(requests, replies).await;
}

#[tokio::test]
async fn halves_are_waited_for() {
    let listening = start(server(None)).await;
    let mut raw = Raw::connect(&listening).await;
    let mut other = Raw::connect(&listening).await;
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n" {
        raw.send([*byte]).await;
        other.says("PING\r\n", "+PONG\r\n").await;
    }
    raw.expect("+OK\r\n").await;
    other.says("GET k\r\n", "$4\r\na\r\nb\r\n").await;
    // A request that never ends does nothing.
    raw.send("*2\r\n$3\r\nDEL\r\n$1\r\nk").await;
    drop(raw);
    other.says("GET k\r\n", "$4\r\na\r\nb\r\n").await;
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let listening = start(server(None)).await;
    let mut other = Raw::connect(&listening).await;
    for (bytes, error) in [
        ("PING\r\n*x\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"),
        ("*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*1\r\n*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n"),
        ("SET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (
            "POST / HTTP/1.1\r\nSET k v\r\n",
            "-ERR unknown command 'POST', with args beginning with: '/' 'HTTP/1.1' \r\n",
        ),
    ] {
        let mut raw = Raw::connect(&listening).await;
        raw.send(bytes).await;
        raw.expect_last(error).await;
        other.says("PING\r\n", "+PONG\r\n").await;
    }
    let mut raw = Raw::connect(&listening).await;
    raw.send(b"\x16\x03\x01\x02\x00\x01\r\n").await;
    raw.expect("-ERR unknown command").await;
    other.says("EXISTS k\r\n", ":0\r\n").await;
}

#[tokio::test]
async fn resp3_has_its_own_types() {
    let listening = start(server(None)).await;
    let mut raw = Raw::connect(&listening).await;
    let version = env!("CARGO_PKG_VERSION");
    let hello = format!(
        "%8\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$11\r\nkvs_version\r\n\
         ${}\r\n{version}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$5\r\n\
         proto\r\n:3\r\n$2\r\nid\r\n:1\r\n$7\r\nmodules\r\n*0\r\n",
        version.len()
    );
    raw.says("HELLO 3\r\n", hello).await;
    raw.says("GET none\r\n", "_\r\n").await;
    raw.says("CONFIG GET save\r\n", "%1\r\n$4\r\nsave\r\n$0\r\n\r\n").await;
    raw.says("CLIENT LIST\r\n", "=").await;
    let mut raw = Raw::connect(&listening).await;
    raw.says("HELLO 3 SETNAME me\r\nRESET\r\n", "%8\r\n").await;
    raw.send("GET none\r\n").await;
    let mut found = Vec::new();
    while !found.ends_with(b"+RESET\r\n$-1\r\n") {
        found.push(timeout(SOON, raw.0.read_u8()).await.unwrap().unwrap());
    }
}
