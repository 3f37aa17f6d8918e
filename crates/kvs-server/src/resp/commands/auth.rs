//! The connection itself: `AUTH`, `HELLO`, `PING`, `ECHO`, `SELECT`, `RESET`, `QUIT`.

use super::{Answer, Refused, client as clients, is};
use crate::resp::client::Client;
use crate::resp::reply::Protocol;

/// The Redis whose protocol this is, as clients choose what to use by it.
pub(super) const REDIS_VERSION: &str = "7.4.0";

/// `PING [message]`
pub(super) fn ping(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    match request {
        [_] => client.replies.simple("PONG"),
        [_, message] => client.replies.bulk(message),
        _ => return Err(Refused::arity("ping")),
    }
    Ok(())
}

/// `ECHO message`
pub(super) fn echo(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    client.replies.bulk_or_null(request.get(1));
    Ok(())
}

/// `SELECT 0`
pub(super) fn select(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    if request.get(1).is_none_or(|database| database != b"0") {
        return Err(Refused::new("ERR DB index is out of range"));
    }
    client.replies.simple("OK");
    Ok(())
}

/// `QUIT`
pub(super) fn quit(client: &mut Client, _: &[Vec<u8>]) -> Answer {
    client.leaving = true;
    client.replies.simple("OK");
    Ok(())
}

/// `READONLY`: reads of entities may be answered by this server's own rows, as long as the connection never
/// goes back behind what it has seen. What was read and written before counts for nothing.
pub(super) fn readonly(client: &mut Client, _: &[Vec<u8>]) -> Answer {
    client.session.get_or_insert_default();
    client.replies.simple("OK");
    Ok(())
}

/// `READWRITE`: reads see everything again.
pub(super) fn readwrite(client: &mut Client, _: &[Vec<u8>]) -> Answer {
    client.session = None;
    client.replies.simple("OK");
    Ok(())
}

/// `RESET`
pub(super) fn reset(client: &mut Client, _: &[Vec<u8>]) -> Answer {
    client.reset();
    client.replies.simple("RESET");
    Ok(())
}

/// `AUTH [user] password`
pub(super) fn auth(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    match request {
        [_, _] if client.server.password.is_none() => {
            return Err(Refused::new("ERR AUTH given, but this server has no password"));
        }
        [_, password] => log_in(client, b"default", password)?,
        [_, user, password] => log_in(client, user, password)?,
        _ => return Err(Refused::syntax()),
    }
    client.replies.simple("OK");
    Ok(())
}

/// Checks a password. There is one user, `default`.
fn log_in(client: &mut Client, user: &[u8], given: &[u8]) -> Answer {
    let right = client.server.password.as_ref().is_none_or(|password| password.is(given));
    if !right || user != b"default" {
        return Err(Refused::new("WRONGPASS invalid username-password pair or user is disabled."));
    }
    client.authenticated = true;
    Ok(())
}

/// `HELLO [2|3 [AUTH user password] [SETNAME name]]`
pub(super) fn hello(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    let protocol = match request.get(1).map(Vec::as_slice) {
        None => client.replies.protocol,
        Some(b"2") => Protocol::Resp2,
        Some(b"3") => Protocol::Resp3,
        Some(_) => return Err(Refused::new("NOPROTO unsupported protocol version")),
    };
    let mut options = request.get(2..).unwrap_or_default();
    let (mut login, mut name) = (None, None);
    loop {
        options = match options {
            [] => break,
            [option, user, password, rest @ ..] if is(option, "AUTH") => {
                login = Some((user, password));
                rest
            }
            [option, text, rest @ ..] if is(option, "SETNAME") => {
                name = Some(clients::word("Client names", text)?);
                rest
            }
            [option, ..] => {
                let option = super::shown(option);
                return Err(Refused::new(format!("ERR Syntax error in HELLO option '{option}'")));
            }
        };
    }
    if let Some((user, password)) = login {
        log_in(client, user, password)?;
    }
    if !client.authenticated {
        return Err(Refused::new(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    client.set_protocol(protocol);
    if let Some(name) = name {
        client.seen.about().name = name;
    }
    introduce(client);
    Ok(())
}

/// What `HELLO` answers.
fn introduce(client: &mut Client) {
    let id = i64::try_from(client.seen.id).unwrap_or(i64::MAX);
    let replies = &mut client.replies;
    replies.map(8);
    for (name, value) in [
        ("server", "redis"),
        ("version", REDIS_VERSION),
        ("kvs_version", env!("CARGO_PKG_VERSION")),
        ("mode", "standalone"),
        ("role", "master"),
    ] {
        replies.bulk(name);
        replies.bulk(value);
    }
    replies.bulk("proto");
    replies.integer(replies.protocol.number());
    replies.bulk("id");
    replies.integer(id);
    replies.bulk("modules");
    replies.array(0);
}
