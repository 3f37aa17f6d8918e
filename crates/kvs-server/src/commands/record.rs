//! `kvs get`, `put` and `delete`: records.

use kvs::Key;
use serde_json::json;

use crate::error::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::store::StoreArgs;

pub(crate) async fn get(key: String, store: &StoreArgs, out: &mut Output) -> Result {
    let value = store.open().await?.get::<String>(key.as_str()).await;
    match value.map_err(Failure::reading("record", &key))? {
        Some(value) => out.line(&value, &json!({ "value": value })),
        None => Err(no_record(&key)),
    }
}

pub(crate) async fn put(key: String, value: String, store: &StoreArgs, out: &mut Output) -> Result {
    let value = input::text(value)?;
    store.open_or_create().await?.put(key.as_str(), &value).await?;
    out.quiet(&json!({ "key": key }))
}

pub(crate) async fn delete(key: String, store: &StoreArgs, out: &mut Output) -> Result {
    let records = store.open().await?.records();
    let row = Key::from(key.as_str());
    if records.get(&row).await?.is_none() {
        return Err(no_record(&key));
    }
    records.delete(&row).await?;
    out.quiet(&json!({ "deleted": key }))
}

fn no_record(key: &str) -> Failure {
    Failure::not_found(format!("there is no record {key:?}"))
}
