//! `CLIENT`: names, and who else is here.

use super::{Answer, Refused, is, shown};
use crate::resp::client::Client;

/// Longest name of a client or its library, in bytes.
const WORD_BYTES_MAX: usize = 256;

/// `CLIENT SETNAME|GETNAME|SETINFO|ID|INFO|LIST …`
pub(super) fn client(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    match request {
        [_, sub, name] if is(sub, "SETNAME") => {
            client.seen.about().name = word("Client names", name)?;
            client.replies.simple("OK");
        }
        [_, sub] if is(sub, "GETNAME") => {
            let name = client.seen.about().name.clone();
            client.replies.bulk_or_null(Some(name).filter(|name| !name.is_empty()));
        }
        [_, sub, attribute, value] if is(sub, "SETINFO") => set_info(client, attribute, value)?,
        [_, sub] if is(sub, "ID") => {
            client.replies.integer(i64::try_from(client.seen.id).unwrap_or(i64::MAX));
        }
        [_, sub] if is(sub, "INFO") => {
            let line = client.seen.line(client.server.env.clock.monotonic());
            client.replies.verbatim(&line);
        }
        [_, sub] if is(sub, "LIST") => list(client),
        [_, sub, option, kind] if is(sub, "LIST") && is(option, "TYPE") && is(kind, "NORMAL") => {
            list(client);
        }
        [_, sub, ..] if is(sub, "LIST") => return Err(Refused::syntax()),
        [_, sub, ..] => {
            let known = ["SETNAME", "GETNAME", "SETINFO", "ID", "INFO"];
            return Err(match known.into_iter().find(|known| is(sub, known)) {
                Some(known) => Refused::arity(&format!("client|{known}")),
                None => Refused::subcommand("CLIENT", sub),
            });
        }
        _ => return Err(Refused::arity("client")),
    }
    Ok(())
}

fn set_info(client: &mut Client, attribute: &[u8], value: &[u8]) -> Answer {
    if is(attribute, "LIB-NAME") {
        client.seen.about().library = word("lib-name", value)?;
    } else if is(attribute, "LIB-VER") {
        client.seen.about().library_version = word("lib-ver", value)?;
    } else {
        let attribute = shown(attribute);
        return Err(Refused::new(format!("ERR Unrecognized option '{attribute}'")));
    }
    client.replies.simple("OK");
    Ok(())
}

fn list(client: &mut Client) {
    let now = client.server.env.clock.monotonic();
    let clients: Vec<_> = client.server.clients().values().cloned().collect();
    let lines: String = clients.iter().map(|seen| seen.line(now)).collect();
    client.replies.verbatim(&lines);
}

/// A text that can stand in a list of clients; an empty one takes the name away.
pub(super) fn word(what: &str, text: &[u8]) -> Result<String, Refused> {
    if text.len() > WORD_BYTES_MAX {
        let (found, limit) = (text.len(), WORD_BYTES_MAX);
        return Err(Refused::new(format!("ERR {what}: {found} bytes, the limit is {limit}")));
    }
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err(Refused::new(format!(
            "ERR {what} cannot contain spaces, newlines or special characters."
        )));
    }
    Ok(String::from_utf8_lossy(text).into_owned())
}
