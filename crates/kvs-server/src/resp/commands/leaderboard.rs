//! Leaderboards whose members are texts: `LEADERBOARD.*`.
//!
//! Scores are answered as texts, in the shortest form that reads back as the same number.

use kvs::{Leaderboard, Standing};

use super::words::{limit, text, words, words_and_options};
use super::{Answer, Refused, Request};
use crate::resp::client::Client;
use crate::resp::reply::Replies;

/// How many `LEADERBOARD.TOP` answers with unless it is said.
const TOP: usize = 10;
/// How many above and below `LEADERBOARD.AROUND` answers with unless it is said.
const AROUND: usize = 2;

fn board(client: &Client, id: Vec<u8>) -> Leaderboard<String> {
    client.server.kvs.leaderboard(id).with(client.options())
}

/// `LEADERBOARD.SET id member score`
pub(super) async fn set(client: &mut Client, request: Request) -> Answer {
    let [_, id, member, score] = words(request, "leaderboard.set")?;
    let (member, score) = (text(member, "a member")?, number(&score)?);
    let before = board(client, id).set(&member, score).await?;
    client.replies.bulk_or_null(before.map(|score| score.to_string()));
    Ok(())
}

/// `LEADERBOARD.ADD id member delta`
pub(super) async fn add(client: &mut Client, request: Request) -> Answer {
    let [_, id, member, delta] = words(request, "leaderboard.add")?;
    let (member, delta) = (text(member, "a member")?, number(&delta)?);
    let score = board(client, id).add(&member, delta).await?;
    client.replies.bulk(score.to_string());
    Ok(())
}

/// `LEADERBOARD.REMOVE id member`
pub(super) async fn remove(client: &mut Client, request: Request) -> Answer {
    let [_, id, member] = words(request, "leaderboard.remove")?;
    let score = board(client, id).remove(&text(member, "a member")?).await?;
    client.replies.bulk_or_null(score.map(|score| score.to_string()));
    Ok(())
}

/// `LEADERBOARD.SCORE id member`
pub(super) async fn score(client: &mut Client, request: Request) -> Answer {
    let [_, id, member] = words(request, "leaderboard.score")?;
    let score = board(client, id).score(&text(member, "a member")?).await?;
    client.replies.bulk_or_null(score.map(|score| score.to_string()));
    Ok(())
}

/// `LEADERBOARD.RANK id member`
pub(super) async fn rank(client: &mut Client, request: Request) -> Answer {
    let [_, id, member] = words(request, "leaderboard.rank")?;
    match board(client, id).rank(&text(member, "a member")?).await? {
        Some(rank) => client.replies.count(rank),
        None => client.replies.null(),
    }
    Ok(())
}

/// `LEADERBOARD.LEN id`
pub(super) async fn len(client: &mut Client, request: Request) -> Answer {
    let [_, id] = words(request, "leaderboard.len")?;
    let len = board(client, id).len().await?;
    client.replies.count(len);
    Ok(())
}

/// `LEADERBOARD.TOP id [n]`
pub(super) async fn top(client: &mut Client, request: Request) -> Answer {
    let ([_, id], mut options) = words_and_options(request, "leaderboard.top")?;
    let n = if options.is_empty() { TOP } else { limit(&options.value()?)? };
    options.end()?;
    let standings = board(client, id).top(n).await?;
    reply(&mut client.replies, standings);
    Ok(())
}

/// `LEADERBOARD.AROUND id member [n]`
pub(super) async fn around(client: &mut Client, request: Request) -> Answer {
    let ([_, id, member], mut options) = words_and_options(request, "leaderboard.around")?;
    let n = if options.is_empty() { AROUND } else { limit(&options.value()?)? };
    options.end()?;
    let standings = board(client, id).around(&text(member, "a member")?, n).await?;
    reply(&mut client.replies, standings);
    Ok(())
}

/// Each as its rank, member and score.
fn reply(replies: &mut Replies, standings: Vec<Standing<String>>) {
    replies.array(standings.len());
    for Standing { rank, member, score } in standings {
        replies.array(3);
        replies.count(rank);
        replies.bulk(member);
        replies.bulk(score.to_string());
    }
}

/// A score. That it is finite is for the leaderboard to see to.
fn number(word: &[u8]) -> Result<f64, Refused> {
    let number = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Refused::new("ERR value is not a valid float"))
}
