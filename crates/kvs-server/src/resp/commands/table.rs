//! Everything that is known of each command, in one place.

use super::{
    Answer, Answering, Request, about, auth, client, config, entity, feed, info, is, leaderboard,
    records, sorted, strings,
};
use crate::resp::client::Client;

/// What is known of a command.
pub(crate) struct Command {
    /// Its name, in capitals.
    pub(crate) name: &'static str,
    /// How many words it has, its name among them; `-n` for n and more.
    pub(crate) arity: i64,
    /// Redis' flags.
    pub(crate) flags: &'static [&'static str],
    /// Which words are keys: the first, the last (negative: from the end), and the step.
    pub(crate) keys: (i64, i64, i64),
    /// Redis' group of commands.
    pub(crate) group: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// Doing it.
    pub(crate) handler: Handler,
}

/// The function behind a command.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// One that doesn't wait.
    Now(fn(&mut Client, &[Vec<u8>]) -> Answer),
    /// One that waits for the store.
    Stored(for<'a> fn(&'a mut Client, Request) -> Answering<'a>),
}

impl Command {
    /// Whether it may have this many words.
    pub(crate) fn takes(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        if self.arity < 0 { words >= -self.arity } else { words == self.arity }
    }

    /// Whether it may come before the password.
    pub(crate) fn before_auth(&self) -> bool {
        self.flags.contains(&"no_auth")
    }
}

/// The command of this name, in any case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| is(name, command.name))
}

const OPEN: &[&str] = &["noscript", "loading", "stale", "fast", "no_auth"];
const FAST: &[&str] = &["loading", "stale", "fast"];
const ADMIN: &[&str] = &["admin", "noscript", "loading", "stale"];
const READ: &[&str] = &["readonly", "fast"];
const WRITE: &[&str] = &["write", "denyoom"];
const REMOVE: &[&str] = &["write"];

const NO_KEYS: (i64, i64, i64) = (0, 0, 0);
const ONE_KEY: (i64, i64, i64) = (1, 1, 1);
const ALL_KEYS: (i64, i64, i64) = (1, -1, 1);

const fn command(
    name: &'static str,
    arity: i64,
    flags: &'static [&'static str],
    keys: (i64, i64, i64),
    group: &'static str,
    summary: &'static str,
    handler: Handler,
) -> Command {
    Command { name, arity, flags, keys, group, summary, handler }
}

/// All commands.
#[rustfmt::skip]
pub(crate) static COMMANDS: &[Command] = &[
    command("AUTH", -2, OPEN, NO_KEYS, "connection", "Gives the password.", Handler::Now(auth::auth)),
    command("CLIENT", -2, FAST, NO_KEYS, "connection", "Names this client and lists all.", Handler::Now(client::client)),
    command("COMMAND", -1, FAST, NO_KEYS, "server", "Tells what is known of commands.", Handler::Now(about::command)),
    command("CONFIG", -2, ADMIN, NO_KEYS, "server", "Tells settings that clients ask for.", Handler::Now(config::config)),
    command("DBSIZE", 1, READ, NO_KEYS, "server", "Not supported: nobody counts the records.", Handler::Now(info::dbsize)),
    command("DECR", 2, WRITE, ONE_KEY, "string", "Takes one from a number.", Handler::Stored(|c, r| Box::pin(strings::decr(c, r)))),
    command("DECRBY", 3, WRITE, ONE_KEY, "string", "Takes from a number.", Handler::Stored(|c, r| Box::pin(strings::decrby(c, r)))),
    command("DEL", -2, REMOVE, ALL_KEYS, "generic", "Removes records and counts those that were there.", Handler::Stored(|c, r| Box::pin(strings::del(c, r)))),
    command("ECHO", 2, FAST, NO_KEYS, "connection", "Answers with its argument.", Handler::Now(auth::echo)),
    command("ENTITY.EXEC", -3, WRITE, ONE_KEY, "generic", "Executes an encoded command, as typed clients send them.", Handler::Stored(|c, r| Box::pin(entity::exec(c, r)))),
    command("EXISTS", -2, READ, ALL_KEYS, "generic", "Counts the keys that have a record.", Handler::Stored(|c, r| Box::pin(strings::exists(c, r)))),
    command("FEED.ADD", -3, WRITE, ONE_KEY, "feed", "Adds an entry as the newest and gives its number.", Handler::Stored(|c, r| Box::pin(feed::add(c, r)))),
    command("FEED.ALL", -2, READ, ONE_KEY, "feed", "Gives entries, the newest first, up to 10,000.", Handler::Stored(|c, r| Box::pin(feed::all(c, r)))),
    command("FEED.CLEANUP", 2, REMOVE, ONE_KEY, "feed", "Deletes what removed entries left behind.", Handler::Stored(|c, r| Box::pin(feed::cleanup(c, r)))),
    command("FEED.CLEAR", 2, REMOVE, ONE_KEY, "feed", "Removes all entries.", Handler::Stored(|c, r| Box::pin(feed::clear(c, r)))),
    command("FEED.GET", -3, READ, ONE_KEY, "feed", "Gives an entry.", Handler::Stored(|c, r| Box::pin(feed::get(c, r)))),
    command("FEED.HEAD", -2, READ, ONE_KEY, "feed", "Gives the newest entry.", Handler::Stored(|c, r| Box::pin(feed::head(c, r)))),
    command("FEED.LEN", 2, READ, ONE_KEY, "feed", "Counts the entries.", Handler::Stored(|c, r| Box::pin(feed::len(c, r)))),
    command("FEED.NEXT", -3, READ, ONE_KEY, "feed", "Gives the next older entry.", Handler::Stored(|c, r| Box::pin(feed::next(c, r)))),
    command("FEED.PREV", -3, READ, ONE_KEY, "feed", "Gives the next newer entry.", Handler::Stored(|c, r| Box::pin(feed::prev(c, r)))),
    command("FEED.REMOVE", 3, REMOVE, ONE_KEY, "feed", "Removes an entry.", Handler::Stored(|c, r| Box::pin(feed::remove(c, r)))),
    command("FEED.REMOVEAFTER", 3, REMOVE, ONE_KEY, "feed", "Removes all older entries.", Handler::Stored(|c, r| Box::pin(feed::remove_after(c, r)))),
    command("GET", 2, READ, ONE_KEY, "string", "Gives a record.", Handler::Stored(|c, r| Box::pin(strings::get(c, r)))),
    command("HELLO", -1, OPEN, NO_KEYS, "connection", "Chooses the version of the protocol.", Handler::Now(auth::hello)),
    command("INCR", 2, WRITE, ONE_KEY, "string", "Adds one to a number.", Handler::Stored(|c, r| Box::pin(strings::incr(c, r)))),
    command("INCRBY", 3, WRITE, ONE_KEY, "string", "Adds to a number.", Handler::Stored(|c, r| Box::pin(strings::incrby(c, r)))),
    command("INFO", -1, FAST, NO_KEYS, "server", "Tells about this server.", Handler::Now(info::info)),
    command("LEADERBOARD.ADD", 4, WRITE, ONE_KEY, "leaderboard", "Adds to a score.", Handler::Stored(|c, r| Box::pin(leaderboard::add(c, r)))),
    command("LEADERBOARD.AROUND", -3, READ, ONE_KEY, "leaderboard", "Gives a member with those next to it.", Handler::Stored(|c, r| Box::pin(leaderboard::around(c, r)))),
    command("LEADERBOARD.LEN", 2, READ, ONE_KEY, "leaderboard", "Counts the members.", Handler::Stored(|c, r| Box::pin(leaderboard::len(c, r)))),
    command("LEADERBOARD.RANK", 3, READ, ONE_KEY, "leaderboard", "Gives a rank, 1 for the best.", Handler::Stored(|c, r| Box::pin(leaderboard::rank(c, r)))),
    command("LEADERBOARD.REMOVE", 3, REMOVE, ONE_KEY, "leaderboard", "Removes a member.", Handler::Stored(|c, r| Box::pin(leaderboard::remove(c, r)))),
    command("LEADERBOARD.SCORE", 3, READ, ONE_KEY, "leaderboard", "Gives a score.", Handler::Stored(|c, r| Box::pin(leaderboard::score(c, r)))),
    command("LEADERBOARD.SET", 4, WRITE, ONE_KEY, "leaderboard", "Sets a score and gives the one before.", Handler::Stored(|c, r| Box::pin(leaderboard::set(c, r)))),
    command("LEADERBOARD.TOP", -2, READ, ONE_KEY, "leaderboard", "Gives the best.", Handler::Stored(|c, r| Box::pin(leaderboard::top(c, r)))),
    command("MGET", -2, READ, ALL_KEYS, "string", "Gives records, up to 32 MiB together.", Handler::Stored(|c, r| Box::pin(strings::mget(c, r)))),
    command("PING", -1, FAST, NO_KEYS, "connection", "Answers PONG, or with its argument.", Handler::Now(auth::ping)),
    command("QUIT", -1, OPEN, NO_KEYS, "connection", "Ends the connection.", Handler::Now(auth::quit)),
    command("READONLY", 1, FAST, NO_KEYS, "cluster", "Lets this node answer reads that never go back.", Handler::Now(auth::readonly)),
    command("READWRITE", 1, FAST, NO_KEYS, "cluster", "Has reads see everything, as at first.", Handler::Now(auth::readwrite)),
    command("RESET", 1, OPEN, NO_KEYS, "connection", "Makes this connection as good as new.", Handler::Now(auth::reset)),
    command("RING.DELETE", 2, REMOVE, ONE_KEY, "ring", "Removes a record, if it is there.", Handler::Stored(|c, r| Box::pin(records::ring_delete(c, r)))),
    command("RING.GET", 2, READ, ONE_KEY, "ring", "Gives a record.", Handler::Stored(|c, r| Box::pin(records::get(c, r)))),
    command("RING.PUT", 3, WRITE, ONE_KEY, "ring", "Sets a record.", Handler::Stored(|c, r| Box::pin(records::ring_put(c, r)))),
    command("RING.STATUS", 1, FAST, NO_KEYS, "ring", "Tells about the ring and its members, as JSON.", Handler::Stored(|c, _| Box::pin(info::ring_status(c)))),
    command("SELECT", 2, FAST, NO_KEYS, "connection", "Chooses database 0, the only one.", Handler::Now(auth::select)),
    command("SET", -3, WRITE, ONE_KEY, "string", "Sets a record.", Handler::Stored(|c, r| Box::pin(strings::set(c, r)))),
    command("SORTED.FLATTEN", -2, READ, ONE_KEY, "sorted", "Gives elements in order, up to 10,000.", Handler::Stored(|c, r| Box::pin(sorted::flatten(c, r)))),
    command("SORTED.INSERT", 3, WRITE, ONE_KEY, "sorted", "Adds an element.", Handler::Stored(|c, r| Box::pin(sorted::insert(c, r)))),
    command("SORTED.LEN", 2, READ, ONE_KEY, "sorted", "Counts the elements.", Handler::Stored(|c, r| Box::pin(sorted::len(c, r)))),
    command("SORTED.REMOVE", 3, REMOVE, ONE_KEY, "sorted", "Removes an element.", Handler::Stored(|c, r| Box::pin(sorted::remove(c, r)))),
    command("TIME", 1, FAST, NO_KEYS, "server", "Gives the server's time.", Handler::Now(info::time)),
];
