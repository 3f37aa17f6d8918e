//! Strings, feeds, sorted sets and leaderboards through a client library.

use kvs::Eid;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, cmd};

use super::*;

async fn connect(listening: &Listening) -> MultiplexedConnection {
    let url = format!("redis://{}/?protocol=resp3", listening.address());
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Sends a request given as words.
async fn ask<T: FromRedisValue>(
    redis: &mut MultiplexedConnection,
    request: &str,
) -> RedisResult<T> {
    let mut words = request.split(' ');
    let mut command = cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query_async(redis).await
}

/// What is answered.
async fn answer<T: FromRedisValue>(redis: &mut MultiplexedConnection, request: &str) -> T {
    ask(redis, request).await.unwrap_or_else(|error| panic!("{request}: {error}"))
}

/// Expects this error for each of some requests.
async fn refused(redis: &mut MultiplexedConnection, requests: &[&str], expected: &str) {
    for request in requests {
        let error = ask::<redis::Value>(redis, request).await.unwrap_err();
        let told = format!("{} {}", error.code().unwrap_or("ERR"), error.detail().unwrap_or(""));
        assert!(told.contains(expected), "{request}: {told}");
    }
}

type Pairs = Vec<(u64, String)>;

#[tokio::test]
async fn strings_have_an_order() {
    let listening = start(server(None)).await;
    let mut redis = connect(&listening).await;
    let redis = &mut redis;
    let ok = Some("OK".to_owned());
    let nothing = None::<String>;
    for (request, expected) in [
        ("SET k a XX", nothing.clone()),
        ("SET k a NX", ok.clone()),
        ("SET k b nx", nothing.clone()),
        ("SET k b XX", ok),
        ("SET k c GET", Some("b".to_owned())),
        ("SET k d NX GET", Some("c".to_owned())),
        ("SET k2 d GET XX", nothing.clone()),
        ("GET k", Some("c".to_owned())),
        ("GET k2", nothing),
    ] {
        assert_eq!(answer::<Option<String>>(redis, request).await, expected, "{request}");
    }
    for (request, expected) in [
        ("INCR n", 1),
        ("INCRBY n 41", 42),
        ("DECR n", 41),
        ("DECRBY n 50", -9),
        ("INCRBY n -1", -10),
        ("EXISTS n k none", 2),
        ("DEL n none", 1),
        ("EXISTS n", 0),
        ("INCRBY n 9223372036854775807", i64::MAX),
    ] {
        assert_eq!(answer::<i64>(redis, request).await, expected, "{request}");
    }
    let found: Vec<Option<String>> = answer(redis, "MGET n none k").await;
    assert_eq!(found, [Some(i64::MAX.to_string()), None, Some("c".to_owned())]);
    refused(redis, &["INCR n"], "ERR increment or decrement would overflow").await;
    refused(redis, &["DECRBY n -9223372036854775808"], "ERR decrement would overflow").await;
    refused(
        redis,
        &["INCR k", "INCRBY n x", "INCRBY n 1.5", "INCRBY n 9223372036854775808"],
        "ERR value is not an integer or out of range",
    )
    .await;
    refused(redis, &["SET k v NX XX", "SET k v GET GET", "SET k v 7"], "ERR syntax error").await;
    refused(redis, &["SET k v EX 7"], "ERR SET with EX isn't supported").await;
    refused(redis, &["APPEND k v"], "ERR APPEND isn't supported. Nothing was done").await;
    refused(redis, &["INCR", "INCRBY n", "DECR a b"], "ERR wrong number of arguments").await;
}

#[tokio::test]
async fn strings_on_the_ring_have_none() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Ring, None)).await;
    let mut redis = connect(&listening).await;
    let redis = &mut redis;
    let needs = "needs an order of writes; records on the ring have none. Nothing was done";
    let requests = ["INCR n", "INCRBY n 1", "DECR n", "DECRBY n 1", "SET n 1 NX", "ZADD z 1 a"];
    refused(redis, &requests, needs).await;
    assert_eq!(answer::<String>(redis, "SET k v").await, "OK");
    assert_eq!(answer::<String>(redis, "RING.GET k").await, "v");
}

#[tokio::test]
async fn many_count_in_one_order() {
    let listening = start(server(None)).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut redis = connect(&listening).await;
        clients.push(async move {
            let mut sums = Vec::new();
            for _ in 0..50 {
                sums.push(answer::<i64>(&mut redis, "INCR n").await);
            }
            sums
        });
    }
    let mut sums: Vec<i64> = futures_util::future::join_all(clients).await.concat();
    sums.sort_unstable();
    assert_eq!(sums, (1..=400).collect::<Vec<_>>());
}

#[tokio::test]
async fn feeds() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let mut redis = connect(&listening).await;
    let redis = &mut redis;
    for (eid, value) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        assert_eq!(answer::<u64>(redis, &format!("FEED.ADD f {value}")).await, eid);
    }
    let pair = |eid, value: &str| (eid, value.to_owned());
    let all = [pair(4, "d"), pair(3, "c"), pair(2, "b"), pair(1, "a")];
    assert_eq!(answer::<Pairs>(redis, "FEED.ALL f").await, all);
    assert_eq!(answer::<Pairs>(redis, "FEED.ALL f FROM 3").await, all[1..]);
    assert_eq!(answer::<Pairs>(redis, "feed.all f limit 2 from 3").await, all[1..3]);
    assert_eq!(answer::<Pairs>(redis, "FEED.ALL f LIMIT 0").await, []);
    assert_eq!(answer::<Pairs>(redis, "FEED.ALL none").await, []);
    assert_eq!(answer::<Option<String>>(redis, "FEED.GET f 2").await, Some("b".to_owned()));
    assert_eq!(answer::<Option<String>>(redis, "FEED.GET f 5").await, None);
    type Pair = Option<(u64, String)>;
    assert_eq!(answer::<Pair>(redis, "FEED.HEAD f").await, Some(pair(4, "d")));
    assert_eq!(answer::<Pair>(redis, "FEED.HEAD none").await, None);
    assert_eq!(answer::<Pair>(redis, "FEED.NEXT f 3").await, Some(pair(2, "b")));
    assert_eq!(answer::<Pair>(redis, "FEED.PREV f 3").await, Some(pair(4, "d")));
    assert_eq!(answer::<i64>(redis, "FEED.REMOVE f 3").await, 1);
    assert_eq!(answer::<i64>(redis, "FEED.REMOVE f 3").await, 0);
    assert_eq!(answer::<i64>(redis, "FEED.LEN f").await, 3);
    assert_eq!(answer::<i64>(redis, "FEED.CLEANUP f").await, 1);
    assert_eq!(answer::<Pairs>(redis, "FEED.ALL f FROM 3").await, all[2..]);

    // The same entries as those of the library, in both directions.
    let feed = kvs.feed::<String>("f");
    assert_eq!(feed.get(Eid(4)).await.unwrap().unwrap().value, "d");
    feed.add(&"e f".to_owned()).await.unwrap();
    assert_eq!(answer::<Pair>(redis, "FEED.HEAD f").await, Some(pair(5, "e f")));
    // Of other types the encoding can be read and written.
    kvs.feed::<u32>("numbers").add(&7).await.unwrap();
    let encoded: Vec<u8> = answer(redis, "FEED.GET numbers 1 RAW").await;
    let mut add = cmd("FEED.ADD");
    let eid: u64 = add.arg("numbers").arg(encoded).arg("RAW").query_async(redis).await.unwrap();
    let second = kvs.feed::<u32>("numbers").get(Eid(eid)).await.unwrap();
    assert_eq!(second.unwrap().value, 7);

    assert_eq!(answer::<i64>(redis, "FEED.REMOVEAFTER f 4").await, 2);
    assert_eq!(answer::<i64>(redis, "FEED.CLEAR f").await, 2);
    refused(redis, &["FEED.ADD f", "FEED.GET f", "FEED.LEN f x"], "wrong number of arg").await;
    let wrong = ["FEED.ALL f FROM", "FEED.ALL f LIMIT 1 LIMIT 1", "FEED.GET f 1 x"];
    refused(redis, &wrong, "ERR syntax error").await;
    let wrong = ["FEED.GET f x", "FEED.ALL f FROM -1", "FEED.ALL f LIMIT 1.5"];
    refused(redis, &wrong, "ERR value is not an integer or out of range").await;
    refused(redis, &["FEED.ALL f LIMIT 10001"], "10001 is more than the limit of 10000").await;
    let bytes = cmd("FEED.ADD").arg("f").arg(b"\xff").query_async::<u64>(redis).await.unwrap_err();
    assert!(bytes.to_string().contains("an entry has to be text in UTF-8"), "{bytes}");
    refused(redis, &["GET numbers", "INCR numbers", "SORTED.LEN numbers"], "WRONGTYPE").await;
    assert_eq!(answer::<i64>(redis, "EXISTS numbers").await, 1);
}

#[tokio::test]
async fn a_page_goes_on_where_the_one_before_ended() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let mut redis = connect(&listening).await;
    let feed = kvs.feed::<String>("f");
    for n in 1..=25 {
        feed.add(&n.to_string()).await.unwrap();
    }
    let (mut seen, mut from) = (Vec::new(), u64::MAX);
    loop {
        let page: Pairs = answer(&mut redis, &format!("FEED.ALL f FROM {from} LIMIT 10")).await;
        let Some((last, _)) = page.last() else { break };
        from = last - 1;
        seen.extend(page.into_iter().map(|(eid, _)| eid));
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn sorted_sets() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let mut redis = connect(&listening).await;
    let redis = &mut redis;
    for (value, inserted) in [("b", 1), ("a", 1), ("b", 0), ("c", 1)] {
        assert_eq!(answer::<i64>(redis, &format!("SORTED.INSERT s {value}")).await, inserted);
    }
    for (request, expected) in [
        ("SORTED.FLATTEN s", vec!["a", "b", "c"]),
        ("SORTED.FLATTEN s LIMIT 2", vec!["a", "b"]),
        ("SORTED.FLATTEN s AFTER a", vec!["b", "c"]),
        ("SORTED.FLATTEN s DESC", vec!["c", "b", "a"]),
        ("SORTED.FLATTEN s AFTER b DESC LIMIT 5", vec!["a"]),
        ("SORTED.FLATTEN none", vec![]),
    ] {
        assert_eq!(answer::<Vec<String>>(redis, request).await, expected, "{request}");
    }
    assert_eq!(answer::<i64>(redis, "SORTED.REMOVE s b").await, 1);
    assert_eq!(answer::<i64>(redis, "SORTED.REMOVE s b").await, 0);
    assert_eq!(answer::<i64>(redis, "SORTED.LEN s").await, 2);
    assert!(kvs.sorted::<String>("s").contains(&"c".to_owned()).await.unwrap());
    refused(redis, &["SORTED.FLATTEN s AFTER", "SORTED.FLATTEN s UP"], "ERR syntax error").await;
    refused(redis, &["SORTED.FLATTEN s LIMIT 10001"], "more than the limit of 10000").await;
    refused(redis, &["SORTED.INSERT s", "SORTED.LEN"], "wrong number of arguments").await;
}

#[tokio::test]
async fn leaderboards() {
    let kvs = Kvs::memory();
    let listening = start(server_of(kvs.clone(), RedisStrings::Entity, None)).await;
    let mut redis = connect(&listening).await;
    let redis = &mut redis;
    let text = |text: &str| Some(text.to_owned());
    for (request, expected) in [
        ("LEADERBOARD.SET l ann 30", None),
        ("LEADERBOARD.SET l ann 31.5", text("30")),
        ("LEADERBOARD.SET l bob 20", None),
        ("LEADERBOARD.ADD l bob 15", text("35")),
        ("LEADERBOARD.SET l cyd -1", None),
        ("LEADERBOARD.SCORE l cyd", text("-1")),
        ("LEADERBOARD.SCORE l dan", None),
    ] {
        assert_eq!(answer::<Option<String>>(redis, request).await, expected, "{request}");
    }
    type Lines = Vec<(u64, String, f64)>;
    let line = |rank, member: &str, score| (rank, member.to_owned(), score);
    let all = [line(1, "bob", 35.0), line(2, "ann", 31.5), line(3, "cyd", -1.0)];
    assert_eq!(answer::<Lines>(redis, "LEADERBOARD.TOP l").await, all);
    assert_eq!(answer::<Lines>(redis, "LEADERBOARD.TOP l 1").await, all[..1]);
    assert_eq!(answer::<Lines>(redis, "LEADERBOARD.AROUND l cyd 1").await, all[1..]);
    assert_eq!(answer::<Lines>(redis, "LEADERBOARD.AROUND l dan").await, []);
    assert_eq!(answer::<Option<u64>>(redis, "LEADERBOARD.RANK l ann").await, Some(2));
    assert_eq!(answer::<Option<u64>>(redis, "LEADERBOARD.RANK l dan").await, None);
    assert_eq!(answer::<Option<String>>(redis, "LEADERBOARD.REMOVE l ann").await, text("31.5"));
    assert_eq!(answer::<Option<String>>(redis, "LEADERBOARD.REMOVE l ann").await, None);
    assert_eq!(answer::<u64>(redis, "LEADERBOARD.LEN l").await, 2);
    assert_eq!(kvs.leaderboard::<String>("l").rank(&"cyd".into()).await.unwrap(), Some(2));
    refused(redis, &["LEADERBOARD.SET l ann x"], "ERR value is not a valid float").await;
    refused(redis, &["LEADERBOARD.SET l ann inf", "LEADERBOARD.ADD l ann NaN"], "ERR").await;
    refused(redis, &["LEADERBOARD.TOP l 10001"], "more than the limit of 10000").await;
    refused(redis, &["LEADERBOARD.TOP l 1 2"], "ERR syntax error").await;
    refused(redis, &["LEADERBOARD.SET l ann", "LEADERBOARD.RANK l"], "wrong number of arg").await;
}
