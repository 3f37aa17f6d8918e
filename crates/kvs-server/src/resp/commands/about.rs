//! `COMMAND`: the table, for clients that want to know.

use super::table::{COMMANDS, find};
use super::{Answer, Command, Refused, is};
use crate::resp::client::Client;
use crate::resp::reply::Replies;

/// `COMMAND [COUNT|LIST|INFO [name …]|DOCS [name …]]`
pub(super) fn command(client: &mut Client, request: &[Vec<u8>]) -> Answer {
    let replies = &mut client.replies;
    match request {
        [_] => {
            replies.array(COMMANDS.len());
            COMMANDS.iter().for_each(|command| describe(command, replies));
        }
        [_, sub] if is(sub, "COUNT") => {
            replies.integer(i64::try_from(COMMANDS.len()).unwrap_or(i64::MAX));
        }
        [_, sub] if is(sub, "LIST") => {
            replies.array(COMMANDS.len());
            COMMANDS.iter().for_each(|command| replies.bulk(lower(command)));
        }
        [_, sub, ..] if is(sub, "LIST") => return Err(Refused::syntax()),
        [_, sub, names @ ..] if is(sub, "INFO") => {
            let asked = asked(names);
            replies.array(asked.len());
            for command in asked {
                match command {
                    Some(command) => describe(command, replies),
                    None => replies.null(),
                }
            }
        }
        [_, sub, names @ ..] if is(sub, "DOCS") => {
            let asked: Vec<_> = asked(names).into_iter().flatten().collect();
            replies.map(asked.len());
            asked.into_iter().for_each(|command| document(command, replies));
        }
        [_, sub, ..] if is(sub, "COUNT") => return Err(Refused::arity("command|count")),
        [_, sub, ..] => return Err(Refused::subcommand("COMMAND", sub)),
        [] => return Err(Refused::arity("command")),
    }
    Ok(())
}

/// The commands of these names, or all if there are no names.
fn asked(names: &[Vec<u8>]) -> Vec<Option<&'static Command>> {
    if names.is_empty() {
        COMMANDS.iter().map(Some).collect()
    } else {
        names.iter().map(|name| find(name)).collect()
    }
}

fn lower(command: &Command) -> String {
    command.name.to_ascii_lowercase()
}

/// What `COMMAND INFO` has of a command: ten things, the last four of which are empty here
/// (categories, tips, key specifications, subcommands).
fn describe(command: &Command, replies: &mut Replies) {
    replies.array(10);
    replies.bulk(lower(command));
    replies.integer(command.arity);
    replies.set(command.flags.len());
    command.flags.iter().for_each(|flag| replies.simple(flag));
    let (first, last, step) = command.keys;
    [first, last, step].into_iter().for_each(|number| replies.integer(number));
    replies.set(0);
    (0..3).for_each(|_| replies.array(0));
}

/// What `COMMAND DOCS` has of a command.
fn document(command: &Command, replies: &mut Replies) {
    replies.bulk(lower(command));
    replies.map(2);
    for (name, value) in [("summary", command.summary), ("group", command.group)] {
        replies.bulk(name);
        replies.bulk(value);
    }
}
