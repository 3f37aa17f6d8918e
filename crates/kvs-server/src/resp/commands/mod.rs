//! The commands: one table, and a module for each group.

mod about;
mod auth;
mod client;
mod config;
mod entity;
mod feed;
mod info;
mod leaderboard;
mod order;
mod records;
mod sorted;
mod strings;
mod table;
mod words;

use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use kvs::{DbaError, LeaderboardError, RegisterError};

use super::client::Client;
use super::request::Request;
use super::store;
use crate::serve::RedisStrings;

pub(crate) use table::{Command, Handler};

/// What a command comes to. It has written its whole reply then.
type Answer = Result<(), Refused>;

/// An error reply: its code and text. What the command has written is taken back.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn syntax() -> Self {
        Self::new("ERR syntax error")
    }

    fn arity(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self(format!("ERR wrong number of arguments for '{name}' command"))
    }

    fn integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }

    fn subcommand(command: &str, subcommand: &[u8]) -> Self {
        let subcommand = shown(subcommand);
        Self(format!("ERR unknown subcommand '{subcommand}' of {command}"))
    }
}

impl From<DbaError> for Refused {
    fn from(error: DbaError) -> Self {
        Self(store::error_reply(&error))
    }
}

impl From<RegisterError> for Refused {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::NotAnInteger { .. } => Self::integer(),
            RegisterError::Overflow { .. } => {
                Self::new("ERR increment or decrement would overflow")
            }
            RegisterError::Dba(error) => error.into(),
            error => Self(format!("ERR {error}")),
        }
    }
}

impl From<LeaderboardError> for Refused {
    fn from(error: LeaderboardError) -> Self {
        match error {
            LeaderboardError::Dba(error) => error.into(),
            error => Self(format!("ERR {error}")),
        }
    }
}

/// Executes a request and writes its reply, whatever comes of it.
pub(crate) async fn execute(client: &mut Client, request: Request) {
    let before = client.replies.len();
    client.server.counters.commands.fetch_add(1, Ordering::Relaxed);
    if let Err(Refused(text)) = run(client, request).await {
        client.server.counters.errors.fetch_add(1, Ordering::Relaxed);
        client.replies.truncate(before);
        client.replies.error(&text);
    }
}

async fn run(client: &mut Client, request: Request) -> Answer {
    let name = request.first().map(Vec::as_slice).unwrap_or_default();
    let command = table::find(name);
    if !client.authenticated && !command.is_some_and(|command| command.before_auth()) {
        return Err(Refused::new("NOAUTH Authentication required."));
    }
    let Some(command) = command else {
        return Err(unknown(client, &request));
    };
    if !command.takes(request.len()) {
        return Err(Refused::arity(command.name));
    }
    let now = client.server.env.clock.monotonic();
    {
        let mut about = client.seen.about();
        about.command = command.name;
        about.active = now;
    }
    match command.handler {
        Handler::Now(handler) => handler(client, &request),
        Handler::Stored(handler) => handler(client, request).await,
    }
}

/// The error for a command that isn't in the table.
fn unknown(client: &mut Client, request: &[Vec<u8>]) -> Refused {
    let Some((name, arguments)) = request.split_first() else {
        return Refused::syntax();
    };
    if let Some(name) = order::needs_order(name) {
        return match client.server.strings {
            RedisStrings::Ring => order::refused(name),
            RedisStrings::Entity => {
                Refused(format!("ERR {name} isn't supported. Nothing was done"))
            }
        };
    }
    // What a browser says when a web page has it talk to this port.
    if is(name, "POST") || is(name, "Host:") {
        client.leaving = true;
    }
    let mut shown_arguments = String::new();
    for argument in arguments {
        if shown_arguments.len() >= SHOWN_BYTES_MAX {
            break;
        }
        shown_arguments.push_str(&format!("'{}' ", shown(argument)));
    }
    let name = shown(name);
    Refused(format!("ERR unknown command '{name}', with args beginning with: {shown_arguments}"))
}

/// How much of a request an error repeats.
const SHOWN_BYTES_MAX: usize = 128;

/// The beginning of an argument, fit for an error.
fn shown(argument: &[u8]) -> String {
    let beginning = argument.get(..SHOWN_BYTES_MAX).unwrap_or(argument);
    let text = String::from_utf8_lossy(beginning);
    text.replace(|c: char| c.is_control(), " ")
}

/// Whether an argument is this word, in any case.
fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// A boxed answer, of a command that waits for the store.
type Answering<'a> = BoxFuture<'a, Answer>;
