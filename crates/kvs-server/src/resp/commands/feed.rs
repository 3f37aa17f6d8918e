//! Feeds: `FEED.*`.
//!
//! Entries are texts, stored in the encoding of typed records, so that the command line and
//! applications with a `Feed<String>` read and write the same. With `RAW` a value is that encoding
//! itself, of whatever type.

use futures_util::{StreamExt, TryStreamExt};
use kvs::{Eid, Entry, Feed, Raw, Value as _};

use super::words::{LIMIT_MAX, number, text, words, words_and_options};
use super::{Answer, Refused, Request, records};
use crate::resp::client::Client;
use crate::resp::reply::Replies;

/// Entries as they are stored.
fn feed(client: &Client, id: Vec<u8>) -> Feed<Raw> {
    client.server.kvs.feed(id).with(client.options())
}

/// `FEED.ADD fid value [RAW]`
pub(super) async fn add(client: &mut Client, request: Request) -> Answer {
    let ([_, id, value], mut options) = words_and_options(request, "feed.add")?;
    let raw = options.next_is("RAW");
    options.end()?;
    let value = if raw { value } else { text(value, "an entry")?.to_bytes()? };
    let eid = feed(client, id).add(&Raw(value)).await?;
    reply_eid(&mut client.replies, eid);
    Ok(())
}

/// `FEED.ALL fid [FROM eid] [LIMIT n] [RAW]`
pub(super) async fn all(client: &mut Client, request: Request) -> Answer {
    let ([_, id], mut options) = words_and_options(request, "feed.all")?;
    let (mut from, mut limit, mut raw) = (None, None, false);
    while !options.is_empty() {
        if from.is_none() && options.next_is("FROM") {
            from = Some(Eid(number(&options.value()?)?));
        } else if limit.is_none() && options.next_is("LIMIT") {
            limit = Some(options.limit()?);
        } else if !raw && options.next_is("RAW") {
            raw = true;
        } else {
            return Err(Refused::syntax());
        }
    }
    let mut entries = feed(client, id).all(from).take(limit.unwrap_or(LIMIT_MAX));
    let mut page = client.replies.apart();
    let mut length = 0;
    while let Some(entry) = entries.try_next().await? {
        reply_entry(&mut page, entry, raw)?;
        length += 1;
        records::check_bytes(page.len())?;
    }
    client.replies.array(length);
    client.replies.append(page);
    Ok(())
}

/// `FEED.GET fid eid [RAW]`
pub(super) async fn get(client: &mut Client, request: Request) -> Answer {
    let ([_, id, eid], mut options) = words_and_options(request, "feed.get")?;
    let raw = options.next_is("RAW");
    options.end()?;
    let entry = feed(client, id).get(Eid(number(&eid)?)).await?;
    let value = entry.map(|entry| value(entry, raw)).transpose()?;
    client.replies.bulk_or_null(value);
    Ok(())
}

/// `FEED.HEAD fid [RAW]`
pub(super) async fn head(client: &mut Client, request: Request) -> Answer {
    let ([_, id], mut options) = words_and_options(request, "feed.head")?;
    let raw = options.next_is("RAW");
    options.end()?;
    let entry = feed(client, id).head().await?;
    reply_optional(&mut client.replies, entry, raw)
}

/// `FEED.NEXT fid eid [RAW]`
pub(super) async fn next(client: &mut Client, request: Request) -> Answer {
    let ([_, id, eid], mut options) = words_and_options(request, "feed.next")?;
    let raw = options.next_is("RAW");
    options.end()?;
    let entry = feed(client, id).next(Eid(number(&eid)?)).await?;
    reply_optional(&mut client.replies, entry, raw)
}

/// `FEED.PREV fid eid [RAW]`
pub(super) async fn prev(client: &mut Client, request: Request) -> Answer {
    let ([_, id, eid], mut options) = words_and_options(request, "feed.prev")?;
    let raw = options.next_is("RAW");
    options.end()?;
    let entry = feed(client, id).prev(Eid(number(&eid)?)).await?;
    reply_optional(&mut client.replies, entry, raw)
}

/// `FEED.LEN fid`
pub(super) async fn len(client: &mut Client, request: Request) -> Answer {
    let [_, id] = words(request, "feed.len")?;
    let len = feed(client, id).len().await?;
    client.replies.count(len);
    Ok(())
}

/// `FEED.REMOVE fid eid`
pub(super) async fn remove(client: &mut Client, request: Request) -> Answer {
    let [_, id, eid] = words(request, "feed.remove")?;
    let removed = feed(client, id).remove(Eid(number(&eid)?)).await?;
    client.replies.integer(removed.into());
    Ok(())
}

/// `FEED.REMOVEAFTER fid eid`
pub(super) async fn remove_after(client: &mut Client, request: Request) -> Answer {
    let [_, id, eid] = words(request, "feed.removeafter")?;
    let removed = feed(client, id).remove_after(Eid(number(&eid)?)).await?;
    client.replies.count(removed);
    Ok(())
}

/// `FEED.CLEAR fid`
pub(super) async fn clear(client: &mut Client, request: Request) -> Answer {
    let [_, id] = words(request, "feed.clear")?;
    let removed = feed(client, id).clear().await?;
    client.replies.count(removed);
    Ok(())
}

/// `FEED.CLEANUP fid`
pub(super) async fn cleanup(client: &mut Client, request: Request) -> Answer {
    let [_, id] = words(request, "feed.cleanup")?;
    let entries = feed(client, id).cleanup().await?;
    client.replies.count(entries);
    Ok(())
}

fn value(Entry { value: Raw(bytes), .. }: Entry<Raw>, raw: bool) -> Result<Vec<u8>, Refused> {
    if raw { Ok(bytes) } else { Ok(String::from_bytes(&bytes)?.into_bytes()) }
}

fn reply_eid(replies: &mut Replies, Eid(eid): Eid) {
    replies.count(eid);
}

fn reply_entry(replies: &mut Replies, entry: Entry<Raw>, raw: bool) -> Answer {
    replies.array(2);
    reply_eid(replies, entry.eid);
    replies.bulk(value(entry, raw)?);
    Ok(())
}

fn reply_optional(replies: &mut Replies, entry: Option<Entry<Raw>>, raw: bool) -> Answer {
    match entry {
        Some(entry) => reply_entry(replies, entry, raw)?,
        None => replies.null(),
    }
    Ok(())
}
