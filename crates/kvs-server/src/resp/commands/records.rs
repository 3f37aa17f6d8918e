//! Records: `RING.GET`, `RING.PUT`, `RING.DELETE`, and `GET`, `SET`, `DEL`, `EXISTS`, `MGET` with
//! `redis_strings = ring`.

use super::words::words;
use super::{Answer, Refused, Request, is, order, shown};
use crate::resp::client::Client;

/// Most bytes that one command answers with, so that an answer fits into memory.
const ANSWER_BYTES_MAX: usize = 32 << 20;

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
        return Err(match needs_order(option) {
            Some(option) => order::refused(&format!("SET with {option}")),
            None => unsupported(option),
        });
    }
    let [_, key, value] = words(request, "set")?;
    client.server.records.put(&key, value).await?;
    client.replies.simple("OK");
    Ok(())
}

/// An option of `SET` that looks at what is there.
fn needs_order(option: &[u8]) -> Option<&'static str> {
    ["NX", "XX", "GET", "IFEQ", "IFNE", "KEEPTTL"].into_iter().find(|word| is(option, word))
}

/// The error for an option of `SET`.
pub(super) fn unsupported(option: &[u8]) -> Refused {
    let any = |words: &[&'static str]| words.iter().copied().find(|word| is(option, word));
    if let Some(option) = any(&["IFEQ", "IFNE", "KEEPTTL"]) {
        return Refused::new(format!("ERR SET with {option} isn't supported. Nothing was done"));
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
pub(super) fn midway(Refused(error): Refused, key: &[u8], done: usize) -> Refused {
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
        check_length(client, before)?;
    }
    Ok(())
}

/// Refuses an answer that has become too long; it begins after `before` bytes.
pub(super) fn check_length(client: &Client, before: usize) -> Answer {
    check_bytes(client.replies.len().saturating_sub(before))
}

/// Refuses an answer of too many bytes.
pub(super) fn check_bytes(length: usize) -> Answer {
    if length <= ANSWER_BYTES_MAX {
        return Ok(());
    }
    let most = ANSWER_BYTES_MAX;
    Err(Refused::new(format!("ERR the records are more than {most} bytes together; ask for fewer")))
}
