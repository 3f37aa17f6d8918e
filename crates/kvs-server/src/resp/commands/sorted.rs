//! Sorted sets of texts: `SORTED.*`.

use std::ops::Bound::{Excluded, Unbounded};

use futures_util::{StreamExt, TryStreamExt};
use kvs::SortedSet;

use super::words::{LIMIT_MAX, text, words, words_and_options};
use super::{Answer, Refused, Request, records};
use crate::resp::client::Client;

fn set(client: &Client, id: Vec<u8>) -> SortedSet<String> {
    client.server.kvs.sorted(id).with(client.options())
}

/// `SORTED.INSERT ns value`
pub(super) async fn insert(client: &mut Client, request: Request) -> Answer {
    let [_, id, value] = words(request, "sorted.insert")?;
    let inserted = set(client, id).insert(&text(value, "an element")?).await?;
    client.replies.integer(inserted.into());
    Ok(())
}

/// `SORTED.REMOVE ns value`
pub(super) async fn remove(client: &mut Client, request: Request) -> Answer {
    let [_, id, value] = words(request, "sorted.remove")?;
    let removed = set(client, id).remove(&text(value, "an element")?).await?;
    client.replies.integer(removed.into());
    Ok(())
}

/// `SORTED.LEN ns`
pub(super) async fn len(client: &mut Client, request: Request) -> Answer {
    let [_, id] = words(request, "sorted.len")?;
    let len = set(client, id).len().await?;
    client.replies.count(len);
    Ok(())
}

/// `SORTED.FLATTEN ns [AFTER value] [LIMIT n] [DESC]`
pub(super) async fn flatten(client: &mut Client, request: Request) -> Answer {
    let ([_, id], mut options) = words_and_options(request, "sorted.flatten")?;
    let (mut after, mut limit, mut descending) = (None, None, false);
    while !options.is_empty() {
        if after.is_none() && options.next_is("AFTER") {
            after = Some(text(options.value()?, "an element")?);
        } else if limit.is_none() && options.next_is("LIMIT") {
            limit = Some(options.limit()?);
        } else if !descending && options.next_is("DESC") {
            descending = true;
        } else {
            return Err(Refused::syntax());
        }
    }
    let after = after.map_or(Unbounded, Excluded);
    let set = set(client, id);
    let elements = match descending {
        false => set.range((after, Unbounded)),
        true => set.range_descending((Unbounded, after)),
    };
    let mut elements = elements.take(limit.unwrap_or(LIMIT_MAX));
    let mut page = client.replies.apart();
    let mut length = 0;
    while let Some(element) = elements.try_next().await? {
        page.bulk(element);
        length += 1;
        records::check_bytes(page.len())?;
    }
    client.replies.array(length);
    client.replies.append(page);
    Ok(())
}
