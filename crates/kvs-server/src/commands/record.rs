//! `kvs get`, `put` and `delete`: records, in an embedded store or on a server.
//!
//! A record holds bytes. What is typed here is stored in the encoding of typed records
//! ([`kvs::Value`]), the same in both places, so that each reads what the other wrote, and so do
//! applications with records of type `String`. With `--raw` the bytes are the text itself, as Redis
//! clients have it. Which of the two a record holds isn't guessed.

use kvs::Value;
use serde_json::json;

use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::place::Place;

pub(crate) async fn get(key: String, raw: bool, place: &Place, out: &mut Output) -> Result {
    let bytes = place.get(&key).await?;
    let bytes = bytes.ok_or_else(|| no_record(&key))?;
    if raw && !out.is_json() {
        return out.bytes(&bytes);
    }
    let value = if raw { plain(bytes, &key)? } else { typed(&bytes, &key)? };
    out.line(&value, &json!({ "value": value }))
}

pub(crate) async fn put(
    key: String,
    value: String,
    raw: bool,
    place: &Place,
    out: &mut Output,
) -> Result {
    let value = input::text(value)?;
    let bytes = if raw { value.into_bytes() } else { value.to_bytes()? };
    place.put(&key, bytes).await?;
    out.quiet(&json!({ "key": key }))
}

pub(crate) async fn delete(key: String, place: &Place, out: &mut Output) -> Result {
    if !place.delete(&key).await? {
        return Err(no_record(&key));
    }
    out.quiet(&json!({ "deleted": key }))
}

fn typed(bytes: &[u8], key: &str) -> Result<String> {
    let text = String::from_bytes(bytes).map_err(kvs::Error::from);
    text.map_err(Failure::reading("record", key))
}

fn plain(bytes: Vec<u8>, key: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_binary| {
        Failure::Refused(format!("record {key:?} isn't UTF-8, so it can't be shown as JSON"))
    })
}

fn no_record(key: &str) -> Failure {
    Failure::not_found(format!("there is no record {key:?}"))
}
