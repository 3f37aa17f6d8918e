//! A client library as applications use it, in both versions of the protocol.

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, InfoDict, RedisResult, cmd};

use super::*;

async fn connect(listening: &Listening, login: &str, protocol: &str) -> MultiplexedConnection {
    try_connect(listening, login, protocol).await.unwrap()
}

async fn try_connect(
    listening: &Listening,
    login: &str,
    protocol: &str,
) -> RedisResult<MultiplexedConnection> {
    let address = listening.address();
    let url = format!("redis://{login}{address}/?protocol={protocol}");
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await
}

#[tokio::test]
async fn records_through_a_client_library() {
    for protocol in ["resp2", "resp3"] {
        let listening = start(server(None)).await;
        let mut redis = connect(&listening, "", protocol).await;
        let bytes: Vec<u8> = (0..=255).collect();
        let () = redis.set("bytes", &bytes).await.unwrap();
        assert_eq!(redis.get::<_, Vec<u8>>("bytes").await.unwrap(), bytes);
        assert_eq!(redis.get::<_, Option<Vec<u8>>>("none").await.unwrap(), None);

        // A register keeps its header in the same row.
        let large = vec![7_u8; (16 << 20) - 64];
        let () = redis.set("large", &large).await.unwrap();
        assert!(redis.get::<_, Vec<u8>>("large").await.unwrap() == large);

        let found: Vec<Option<String>> = {
            let () = redis.set("a", "1").await.unwrap();
            redis.mget(&["a", "none"]).await.unwrap()
        };
        assert_eq!(found, [Some("1".to_owned()), None]);
        assert!(redis.exists::<_, bool>("a").await.unwrap());
        assert_eq!(redis.del::<_, i64>(&["a", "bytes", "none"]).await.unwrap(), 2);
        assert!(!redis.exists::<_, bool>("a").await.unwrap());

        let answers: (String, i64, Option<String>) = redis::pipe()
            .cmd("SET")
            .arg("p")
            .arg("x")
            .cmd("DEL")
            .arg("p")
            .cmd("GET")
            .arg("p")
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(answers, ("OK".to_owned(), 1, None));
    }
}

#[tokio::test]
async fn errors_through_a_client_library() {
    let listening = start(server_of(Kvs::memory(), RedisStrings::Ring, None)).await;
    for protocol in ["resp2", "resp3"] {
        let mut redis = connect(&listening, "", protocol).await;
        let order = redis.incr::<_, _, i64>("n", 1).await.unwrap_err();
        assert!(order.to_string().contains("INCRBY needs an order of writes"), "{order}");
        let large = redis.set::<_, _, ()>("k", vec![0_u8; (16 << 20) + 1]).await.unwrap_err();
        let expected = "value length in bytes is 16777217, the limit is 16777216";
        assert!(large.to_string().contains(expected), "{large}");
        let long = redis.get::<_, Option<String>>("k".repeat(1_025)).await.unwrap_err();
        assert!(long.to_string().contains("the limit is 1024"), "{long}");
        // The connection is as good as before.
        assert_eq!(cmd("PING").query_async::<String>(&mut redis).await.unwrap(), "PONG");
    }
}

#[tokio::test]
async fn what_a_server_tells_about_itself() {
    let listening = start(server(None)).await;
    for protocol in ["resp2", "resp3"] {
        let mut redis = connect(&listening, "", protocol).await;
        let info: InfoDict = cmd("INFO").query_async(&mut redis).await.unwrap();
        assert_eq!(info.get::<String>("redis_version").unwrap(), "7.4.0");
        assert_eq!(info.get::<String>("kvs_version").unwrap(), env!("CARGO_PKG_VERSION"));
        let clients: String = cmd("INFO").arg("clients").query_async(&mut redis).await.unwrap();
        assert!(clients.starts_with("# Clients\r\nconnected_clients:"), "{clients}");
        let list: String = cmd("CLIENT").arg("LIST").query_async(&mut redis).await.unwrap();
        assert!(list.contains(" cmd=client ") && list.contains(" lib-name=redis-rs"), "{list}");
        let (seconds, micros): (u64, u64) = cmd("TIME").query_async(&mut redis).await.unwrap();
        assert!(seconds > 1_700_000_000 && micros < 1_000_000);
        let ring: String = cmd("RING.STATUS").query_async(&mut redis).await.unwrap();
        assert_eq!(ring, r#"{"state":"effective"}"#);
        let names: Vec<String> = cmd("COMMAND").arg("LIST").query_async(&mut redis).await.unwrap();
        let count: usize = cmd("COMMAND").arg("COUNT").query_async(&mut redis).await.unwrap();
        assert!(names.contains(&"ring.get".to_owned()) && names.len() == count);
        let docs: redis::Value = cmd("COMMAND").arg("DOCS").query_async(&mut redis).await.unwrap();
        assert!(format!("{docs:?}").contains("summary"), "{docs:?}");
        let all: Vec<redis::Value> = cmd("COMMAND").query_async(&mut redis).await.unwrap();
        assert_eq!(all.len(), count);
    }
}

#[tokio::test]
async fn a_password_through_a_client_library() {
    let listening = start(server(Some("pass word"))).await;
    for protocol in ["resp2", "resp3"] {
        for login in ["", ":wrong@", "default:pass@", "other:pass%20word@"] {
            let connected = try_connect(&listening, login, protocol).await;
            let refused = match connected {
                Ok(mut redis) => redis.get::<_, Option<String>>("k").await.unwrap_err(),
                Err(error) => error,
            };
            let refused = refused.to_string();
            let reasons = ["NOAUTH", "WRONGPASS", "uthentication"];
            assert!(reasons.iter().any(|reason| refused.contains(reason)), "{login} {refused}");
        }
        for login in [":pass%20word@", "default:pass%20word@"] {
            let mut redis = connect(&listening, login, protocol).await;
            assert_eq!(redis.get::<_, Option<String>>("k").await.unwrap(), None);
        }
    }
}
