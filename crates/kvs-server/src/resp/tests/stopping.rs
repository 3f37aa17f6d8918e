//! Letting clients go.

use kvs::DbaError;
use tokio::sync::Semaphore;

use super::*;
use crate::resp::store::Records;

/// A store that answers when it is allowed to.
struct Held {
    asked: Arc<Semaphore>,
    allowed: Arc<Semaphore>,
}

impl Records for Held {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, DbaError>> {
        async move {
            self.asked.add_permits(1);
            self.allowed.acquire().await.unwrap().forget();
            Ok(Some(key.to_vec()))
        }
        .boxed()
    }

    fn put<'a>(&'a self, _: &'a [u8], _: Vec<u8>) -> BoxFuture<'a, Result<(), DbaError>> {
        async { Err(DbaError::Deadline { operation: "put" }) }.boxed()
    }

    fn delete<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<(), DbaError>> {
        async { Err(DbaError::Deadline { operation: "delete" }) }.boxed()
    }
}

#[tokio::test]
async fn what_was_asked_is_answered_before_the_end() {
    let (asked, allowed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held = Held { asked: asked.clone(), allowed: allowed.clone() };
    let listening = start(server_on(held)).await;
    let address = listening.address();
    let mut idle = Raw::connect(&listening).await;
    idle.says("PING\r\n", "+PONG\r\n").await;
    let mut busy = Raw::connect(&listening).await;
    busy.send("GET a\r\nGET b\r\n").await;
    asked.acquire().await.unwrap().forget();

    let stopping = kvs::env::spawn(listening.stop());
    idle.expect_end().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!stopping.is_finished());
    allowed.add_permits(2);
    busy.expect_last("$1\r\na\r\n$1\r\nb\r\n").await;
    timeout(SOON, stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn errors_of_the_store_are_told_with_their_outcome() {
    let (asked, allowed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(9)));
    let held = Held { asked, allowed };
    let listening = start(server_on(held)).await;
    let mut raw = Raw::connect(&listening).await;
    let unavailable = |operation| {
        format!(
            "-UNAVAILABLE not applied: {operation}: the deadline passed before the work began; \
             nothing was done"
        )
    };
    raw.says("SET k v\r\n", unavailable("put") + "\r\n").await;
    raw.says("DEL k\r\n", unavailable("delete") + "\r\n").await;
}
