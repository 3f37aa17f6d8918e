//! Redis' strings: `GET`, `SET`, `DEL`, `EXISTS`, `MGET`, and `INCR`, `INCRBY`, `DECR`, `DECRBY`.
//!
//! Each is a register: an entity, so its commands have one order. With `redis_strings = ring` they
//! are [records] instead, and what needs an order is refused by name.

use kvs::{Condition, DbaError, Raw, Register};

use super::words::{integer, words};
use super::{Answer, Refused, Request, is, order, records};
use crate::resp::client::Client;
use crate::serve::RedisStrings;

fn register(client: &Client, key: impl Into<Vec<u8>>) -> Register<Raw> {
    client.server.kvs.register(key).with(client.options())
}

fn on_ring(client: &Client) -> bool {
    client.server.strings == RedisStrings::Ring
}

/// `GET key`
pub(super) async fn get(client: &mut Client, request: Request) -> Answer {
    if on_ring(client) {
        return records::get(client, request).await;
    }
    let [_, key] = words(request, "get")?;
    let value = register(client, key).get().await?;
    client.replies.bulk_or_null(value.map(|Raw(bytes)| bytes));
    Ok(())
}

/// `SET key value [NX|XX] [GET]`
pub(super) async fn set(client: &mut Client, mut request: Request) -> Answer {
    if on_ring(client) {
        return records::set(client, request).await;
    }
    let options = request.split_off(request.len().min(3));
    let [_, key, value] = words(request, "set")?;
    let mut condition = Condition::Always;
    let mut returning = false;
    for option in &options {
        match condition {
            Condition::Always if is(option, "NX") => condition = Condition::IfAbsent,
            Condition::Always if is(option, "XX") => condition = Condition::IfPresent,
            _ if is(option, "GET") && !returning => returning = true,
            _ => return Err(records::unsupported(option)),
        }
    }
    let register = register(client, key);
    if returning {
        let (_, before) = register.replace_if(&Raw(value), condition).await?;
        client.replies.bulk_or_null(before.map(|Raw(bytes)| bytes));
    } else if register.set_if(&Raw(value), condition).await? {
        client.replies.simple("OK");
    } else {
        client.replies.null();
    }
    Ok(())
}

/// `DEL key [key …]`
pub(super) async fn del(client: &mut Client, request: Request) -> Answer {
    if on_ring(client) {
        return records::del(client, request).await;
    }
    let mut deleted = 0;
    for (done, key) in request.iter().skip(1).enumerate() {
        match register(client, key.as_slice()).delete().await {
            Ok(was_there) => deleted += i64::from(was_there),
            Err(error) => return Err(records::midway(error.into(), key, done)),
        }
    }
    client.replies.integer(deleted);
    Ok(())
}

/// `EXISTS key [key …]`
pub(super) async fn exists(client: &mut Client, request: Request) -> Answer {
    if on_ring(client) {
        return records::exists(client, request).await;
    }
    let mut found = 0;
    for key in request.iter().skip(1) {
        found += match register(client, key.as_slice()).exists().await {
            Ok(is_there) => i64::from(is_there),
            Err(DbaError::WrongType { .. }) => 1,
            Err(error) => return Err(error.into()),
        };
    }
    client.replies.integer(found);
    Ok(())
}

/// `MGET key [key …]`. What is no string reads as nothing, as in Redis.
pub(super) async fn mget(client: &mut Client, request: Request) -> Answer {
    if on_ring(client) {
        return records::mget(client, request).await;
    }
    let before = client.replies.len();
    client.replies.array(request.len().saturating_sub(1));
    for key in request.iter().skip(1) {
        let value = match register(client, key.as_slice()).get().await {
            Err(DbaError::WrongType { .. }) => None,
            value => value?,
        };
        client.replies.bulk_or_null(value.map(|Raw(bytes)| bytes));
        records::check_length(client, before)?;
    }
    Ok(())
}

/// `INCR key`
pub(super) async fn incr(client: &mut Client, request: Request) -> Answer {
    let [_, key] = words(request, "incr")?;
    add(client, "INCR", key, Some(1)).await
}

/// `DECR key`
pub(super) async fn decr(client: &mut Client, request: Request) -> Answer {
    let [_, key] = words(request, "decr")?;
    add(client, "DECR", key, Some(-1)).await
}

/// `INCRBY key increment`
pub(super) async fn incrby(client: &mut Client, request: Request) -> Answer {
    let [_, key, by] = words(request, "incrby")?;
    add(client, "INCRBY", key, integer(&by)).await
}

/// `DECRBY key decrement`
pub(super) async fn decrby(client: &mut Client, request: Request) -> Answer {
    let [_, key, by] = words(request, "decrby")?;
    let by = integer(&by).map(i64::checked_neg);
    if by == Some(None) {
        return Err(Refused::new("ERR decrement would overflow"));
    }
    add(client, "DECRBY", key, by.flatten()).await
}

async fn add(client: &mut Client, command: &str, key: Vec<u8>, by: Option<i64>) -> Answer {
    if on_ring(client) {
        return Err(order::refused(command));
    }
    let by = by.ok_or_else(Refused::integer)?;
    let sum = register(client, key).increment_decimal(by).await?;
    client.replies.integer(sum);
    Ok(())
}
