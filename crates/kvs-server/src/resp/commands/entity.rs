//! `ENTITY.EXEC`: commands of entities as typed clients send them.
//!
//! Over it feeds, sorted sets, leaderboards and registers of any type work from outside as they do
//! within a node: see [`kvs::entities`]. The command's first byte is its version; the answer, which
//! may be that the command failed, is as encoded as the command. Error replies are about what kept
//! the command from its entity.

use kvs::CommandId;
use kvs::entities::Entities;

use super::words::words_and_options;
use super::{Answer, Refused, Request};
use crate::resp::client::Client;

/// `ENTITY.EXEC name command [ID id]`
pub(super) async fn exec(client: &mut Client, request: Request) -> Answer {
    let ([_, name, command], mut words) = words_and_options(request, "entity.exec")?;
    let mut options = client.options();
    if words.next_is("ID") {
        options = options.command(id(&words.value()?)?);
    }
    words.end()?;
    let entities = client.server.kvs.entities();
    let answer = entities.execute(&name.into(), command, &options).await?;
    client.replies.bulk(answer.into_bytes());
    Ok(())
}

fn id(word: &[u8]) -> Result<CommandId, Refused> {
    let id = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Refused::new("ERR the id of a command has to be a UUID. Nothing was done"))
}
