//! Typed handles and the command line over the port: as on an embedded store.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use futures_util::TryStreamExt;
use kvs::entities::{self, Executor};
use kvs::{CallOptions, CommandId, DbaError, Eid, LeaderboardError, Outcome};
use redis::{RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::*;
use crate::cli::Cli;
use crate::client::{Address, RemoteEntities};
use crate::output::Output;

/// The entities of servers at these addresses.
fn remote(addresses: &[String]) -> Executor {
    let addresses = addresses.iter().map(|address| address.parse::<Address>().unwrap()).collect();
    Executor::remote(Arc::new(RemoteEntities::new(addresses, None, Env::system())))
}

fn at(listening: &Listening) -> String {
    listening.address().to_string()
}

/// An address at which nobody listens.
fn nobody() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Goal {
    minute: u8,
    by: String,
}

#[tokio::test]
async fn handles_of_any_type_work_over_the_port() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Ring, None)).await;
    let remote = remote(&[at(&listening)]);
    let goals = remote.feed::<Goal>("goals");
    let goal = |minute| Goal { minute, by: "Saka".to_owned() };
    for minute in 1..=90 {
        assert_eq!(goals.add(&goal(minute)).await.unwrap(), Eid(minute.into()));
    }
    let all: Vec<_> =
        goals.all(None).map_ok(|entry| entry.value.minute).try_collect().await.unwrap();
    assert_eq!(all, (1..=90).rev().collect::<Vec<_>>());
    assert!(goals.remove(Eid(45)).await.unwrap());
    assert_eq!(kvs.feed::<Goal>("goals").head().await.unwrap().unwrap().value, goal(90));
    assert_eq!(kvs.feed::<Goal>("goals").len().await.unwrap(), 89);

    let pairs = remote.sorted::<(u8, String)>("pairs");
    assert!(pairs.insert(&(2, "b".into())).await.unwrap());
    assert!(!pairs.insert(&(2, "b".into())).await.unwrap());
    let register = remote.register::<i64>("visitors");
    assert_eq!(register.increment(41).await.unwrap(), 41);
    assert_eq!(kvs.increment("visitors", 1).await.unwrap(), 42);
    assert_eq!(remote.type_of("pairs").await.unwrap().as_deref(), Some("sorted"));

    let error = remote.feed::<Goal>("pairs").add(&goal(1)).await.unwrap_err();
    assert!(matches!(error, DbaError::WrongType { .. }), "{error}");
    let board = remote.leaderboard::<String>("board");
    let error = board.set(&"ann".into(), f64::NAN).await.unwrap_err();
    assert!(matches!(error, LeaderboardError::NotFinite { .. }), "{error}");
    let error = pairs.insert(&(0, "x".repeat(2_000))).await.unwrap_err();
    assert!(matches!(error, DbaError::Limit(_)), "{error}");
}

/// Forwards connections to a server, but cuts every third one that has an answer under way.
async fn cutting(to: std::net::SocketAddr, cuts: Arc<AtomicUsize>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    kvs::env::spawn(async move {
        let mut answers = 0;
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(to).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let requests = async { tokio::io::copy(&mut from_client, &mut to_server).await };
            let replies = async {
                let mut buffer = vec![0; 64 << 10];
                loop {
                    let length = from_server.read(&mut buffer).await?;
                    answers += 1;
                    if length == 0 || answers % 3 == 0 {
                        cuts.fetch_add(1, Ordering::Relaxed);
                        return Ok::<(), io::Error>(());
                    }
                    to_client.write_all(&buffer[..length]).await?;
                }
            };
            // One connection after the other; either end of it ends it.
            tokio::select! {
                biased;
                _ = replies => {}
                _ = requests => {}
            }
        }
    });
    address
}

#[tokio::test]
async fn what_is_sent_again_is_applied_once_and_in_order() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let cuts = Arc::<AtomicUsize>::default();
    let remote = remote(&[cutting(listening.address(), cuts.clone()).await]);
    let feed = remote.feed::<u64>("f");
    for n in 1..=20 {
        assert_eq!(feed.add(&n).await.unwrap(), Eid(n));
        assert_eq!(remote.register::<i64>("r").increment(1).await.unwrap(), n as i64);
    }
    let all: Vec<_> =
        kvs.feed::<u64>("f").all(None).map_ok(|entry| entry.value).try_collect().await.unwrap();
    assert_eq!(all, (1..=20).rev().collect::<Vec<_>>());
    assert!(cuts.load(Ordering::Relaxed) > 10);
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_gone() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let feed = remote(&[nobody(), at(&listening)]).feed::<u64>("f");
    for n in 1..=3 {
        assert_eq!(feed.add(&n).await.unwrap(), Eid(n));
    }
    let gone = remote(&[nobody()]).feed::<u64>("f");
    let gone = gone.with(CallOptions::default().deadline(Duration::from_millis(1)));
    let error = gone.add(&4).await.unwrap_err();
    assert!(error.to_string().contains("can't be reached"), "{error}");
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
}

#[tokio::test]
async fn encoded_commands_are_checked() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let url = format!("redis://{}", listening.address());
    let mut redis =
        redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut ask = async |arguments: &[&[u8]]| -> RedisResult<Vec<u8>> {
        cmd("ENTITY.EXEC").arg(arguments).query_async(&mut redis).await
    };
    // Version, register, increment, by how much (as a zigzag), of an encoded integer.
    let increment = |by: u8| vec![1, 4, 5, 2 * by, 0];
    let id = CommandId::new(&Env::system()).to_string();
    let once = ask(&[b"n", &increment(2), b"ID", id.as_bytes()]).await.unwrap();
    assert_eq!(ask(&[b"n", &increment(2), b"id", id.as_bytes()]).await.unwrap(), once);
    assert_eq!(kvs.register::<i64>("n").get().await.unwrap(), Some(2));

    // What is wrong with a command is in its answer.
    let mut newer = increment(2);
    newer[0] = 99;
    let longer = [increment(2), vec![0]].concat();
    let other = increment(3);
    for (arguments, expected) in [
        (&[b"n", &other[..], b"ID", id.as_bytes()][..], "was another command before"),
        (&[b"n", &newer], "version 99"),
        (&[b"n", &longer], "left over"),
        (&[b"n", b""], "empty"),
        (&[b"", &other], "empty"),
    ] {
        let answer = ask(arguments).await.unwrap();
        let failure = entities::Answer::from_bytes(answer).failure().unwrap();
        assert!(failure.to_string().contains(expected), "{expected}: {failure}");
        assert_eq!(failure.outcome(), Outcome::NotApplied);
    }
    for (arguments, expected) in [
        (&[&b"n"[..]][..], "wrong number of arguments"),
        (&[b"n", &other, b"ID"], "syntax error"),
        (&[b"n", &other, b"XX"], "syntax error"),
        (&[b"n", &other, b"ID", b"7"], "has to be a UUID. Nothing was done"),
        (&[b"n", &other, b"ID", id.as_bytes(), b"x"], "syntax error"),
    ] {
        let error = ask(arguments).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert_eq!(kvs.register::<i64>("n").get().await.unwrap(), Some(2));
}

/// What was written to an output.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.borrow_mut(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a command line comes to: its output, and its error.
async fn run(place: &[&str], words: &[&str]) -> (String, Option<String>) {
    let cli = Cli::try_parse_from([&["kvs"], words, place].concat()).unwrap();
    let written = Written::default();
    let mut out = Output::to(written.clone(), cli.json);
    let error = crate::commands::run(cli, &mut out).await.err();
    out.finish().unwrap();
    let text = String::from_utf8(written.0.take()).unwrap();
    (text, error.map(|error| error.to_string()))
}

#[tokio::test]
async fn the_command_line_does_the_same_on_a_server() {
    let listening = start(server(None)).await;
    let folder = tempfile::tempdir().unwrap();
    let embedded = ["--data-dir", folder.path().to_str().unwrap()];
    let address = at(&listening);
    let there = ["--connect", address.as_str()];
    let commands = "feed len f; feed add f a; feed add f b; feed add f c; feed all f; \
                    feed all f --json --from 2; feed all f --limit 1; feed get f 2; feed get f 9; \
                    feed head f; feed head none; feed next f 3; feed prev f 1 --json; feed prev f 3; \
                    feed remove f 2; feed remove f 2; feed cleanup f --json; \
                    feed remove-after f 3; feed len f; sorted insert s b --json; sorted insert s a; \
                    sorted insert s b --json; sorted flatten s; sorted flatten s --descending; \
                    sorted len s; sorted remove s b; sorted remove s b; leaderboard set l ann 3; \
                    leaderboard set l ann 4 --json; leaderboard add l bob 7.5; leaderboard top l; \
                    leaderboard top l --json; leaderboard rank l ann; leaderboard rank l cyd; \
                    leaderboard around l ann -n 1; leaderboard set l ann inf; \
                    leaderboard remove l ann; leaderboard remove l ann; feed add l a; feed all s; \
                    feed clear f";
    for command in commands.split("; ") {
        let words: Vec<_> = command.split(' ').collect();
        let here = run(&embedded, &words).await;
        let mut there = run(&there, &words).await;
        if command == "feed len f" && here.0.is_empty() {
            // A server has no store that isn't there.
            assert_eq!(there, ("0\n".to_owned(), None));
            there = here.clone();
        }
        assert_eq!(here, there, "{command}");
    }
}

#[tokio::test]
async fn the_demo_is_the_same_on_a_server() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let folder = tempfile::tempdir().unwrap();
    let embedded = ["--data-dir", folder.path().to_str().unwrap()];
    let address = at(&listening);
    let there = ["--connect", address.as_str()];
    for _ in 0..2 {
        let (here, error) = run(&embedded, &["demo", "--json"]).await;
        assert_eq!(error, None);
        let (there, error) = run(&there, &["demo", "--json"]).await;
        assert_eq!(error, None);
        let lines = |text: &str| -> Vec<Value> {
            let timeless = |line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let fields = line.as_object_mut().unwrap();
                fields
                    .retain(|name, _| !["seconds", "entries_per_second"].contains(&name.as_str()));
                line
            };
            text.lines().map(timeless).collect()
        };
        assert_eq!(lines(&here), lines(&there));
        assert!(there.contains("Leicester City"));
    }
    let (here, _) = run(&embedded, &["demo", "--team", "Juventus"]).await;
    assert_eq!(run(&there, &["demo", "--team", "Juventus"]).await, (here, None));
    assert_eq!(kvs.feed::<()>("division/Serie A").len().await.unwrap(), 1_523);
}
