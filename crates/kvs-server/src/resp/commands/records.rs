//! Records: `GET`, `SET`, `DEL`, `EXISTS`, `MGET` and `RING.GET`, `RING.PUT`, `RING.DELETE`.

use super::{Answer, Refused, Request, is, order, shown};
use crate::resp::client::Client;

/// Most bytes that one `MGET` answers with, so that an answer fits into memory.
const MGET_BYTES_MAX: usize = 32 << 20;

/// `GET key`, `RING.GET key`
pub(super) async fn get(client: &mut Client, request: Request) -> Answer {
    let [_, key] = words(request, "get")?;
    let value = client.server.records.get(&key).await?;
    client.replies.bulk_or_null(value);
    Ok(())
}

/// `SET key value`
pub(super) async fn set(client: &mut Client, request: Request) -> Answer {
    if let Some(option) = request.get(3) {
        return Err(unsupported(option));
    }
    let [_, key, value] = words(request, "set")?;
    client.server.records.put(&key, value).await?;
    client.replies.simple("OK");
    Ok(())
}

/// The error for an option of `SET`.
fn unsupported(option: &[u8]) -> Refused {
    let any = |words: &[&'static str]| words.iter().copied().find(|word| is(option, word));
    if let Some(option) = any(&["NX", "XX", "GET", "IFEQ", "IFNE", "KEEPTTL"]) {
        return order::refused(&format!("SET with {option}"));
    }
    if let Some(option) = any(&["EX", "PX", "EXAT", "PXAT"]) {
        return Refused::new(format!(
            "ERR SET with {option} isn't supported: records don't expire. Nothing was done"
        ));
    }
    Refused::syntax()
}

/// `RING.PUT key value`
pub(super) async fn ring_put(client: &mut Client, request: Request) -> Answer {
    let [_, key, value] = words(request, "ring.put")?;
    client.server.records.put(&key, value).await?;
    client.replies.simple("OK");
    Ok(())
}

/// `RING.DELETE key`
pub(super) async fn ring_delete(client: &mut Client, request: Request) -> Answer {
    let [_, key] = words(request, "ring.delete")?;
    client.server.records.delete(&key).await?;
    client.replies.simple("OK");
    Ok(())
}

/// `DEL key [key …]`
pub(super) async fn del(client: &mut Client, request: Request) -> Answer {
    let records = &client.server.records;
    let mut deleted = 0;
    for (done, key) in request.iter().skip(1).enumerate() {
        let was_there = match records.exists(key).await {
            Ok(true) => records.delete(key).await.map(|()| true),
            other => other,
        };
        match was_there {
            Ok(was_there) => deleted += i64::from(was_there),
            Err(error) => return Err(midway(error.into(), key, done)),
        }
    }
    client.replies.integer(deleted);
    Ok(())
}

/// The error of `key`, after `done` others.
fn midway(Refused(error): Refused, key: &[u8], done: usize) -> Refused {
    if done == 0 {
        return Refused(error);
    }
    let key = shown(key);
    Refused(format!("{error} (at '{key}'; the {done} keys before it are deleted)"))
}

/// `EXISTS key [key …]`
pub(super) async fn exists(client: &mut Client, request: Request) -> Answer {
    let mut found = 0;
    for key in request.iter().skip(1) {
        found += i64::from(client.server.records.exists(key).await?);
    }
    client.replies.integer(found);
    Ok(())
}

/// `MGET key [key …]`
pub(super) async fn mget(client: &mut Client, request: Request) -> Answer {
    let before = client.replies.len();
    client.replies.array(request.len().saturating_sub(1));
    for key in request.iter().skip(1) {
        let value = client.server.records.get(key).await?;
        client.replies.bulk_or_null(value);
        if client.replies.len() - before > MGET_BYTES_MAX {
            return Err(Refused::new(format!(
                "ERR the records are more than {MGET_BYTES_MAX} bytes together; ask for fewer"
            )));
        }
    }
    Ok(())
}

/// The words of a request that has exactly so many.
fn words<const N: usize>(request: Request, name: &str) -> Result<[Vec<u8>; N], Refused> {
    request.try_into().map_err(|_request: Request| Refused::arity(name))
}
