//! A client: who it is, and what it has been granted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs::{CallOptions, Session};

use super::reply::{Protocol, Replies};
use super::request::Limits;
use super::server::Server;

/// A client, as its commands see it.
pub(crate) struct Client {
    /// The server it talks to.
    pub(crate) server: Arc<Server>,
    /// What others may see of it.
    pub(crate) seen: Arc<Seen>,
    /// The replies that wait to be sent.
    pub(crate) replies: Replies,
    /// Whether it may use the store.
    pub(crate) authenticated: bool,
    /// Whether the connection ends once the replies are sent.
    pub(crate) leaving: bool,
    /// What it has seen of entities, if that is all that its reads have to see.
    pub(crate) session: Option<Session>,
}

impl Client {
    pub(crate) fn new(server: Arc<Server>, seen: Arc<Seen>) -> Self {
        let authenticated = server.password.is_none();
        let (replies, leaving, session) = (Replies::default(), false, None);
        Self { server, seen, replies, authenticated, leaving, session }
    }

    /// How large its requests may be.
    pub(crate) fn limits(&self) -> &'static Limits {
        if self.authenticated { &Limits::FULL } else { &Limits::BEFORE_AUTH }
    }

    /// Puts everything back to how it was at the start.
    pub(crate) fn reset(&mut self) {
        self.set_protocol(Protocol::Resp2);
        self.authenticated = self.server.password.is_none();
        self.seen.about().name.clear();
        self.session = None;
    }

    /// The options of its commands on entities.
    pub(crate) fn options(&self) -> CallOptions {
        let options = CallOptions::default();
        match &self.session {
            Some(session) => options.session(session.clone()),
            None => options,
        }
    }

    /// Has replies written in this version from now on.
    pub(crate) fn set_protocol(&mut self, protocol: Protocol) {
        self.replies.protocol = protocol;
        self.seen.about().protocol = protocol;
    }
}

/// What `CLIENT LIST` shows of a client.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its number, never used twice.
    pub(crate) id: u64,
    from: SocketAddr,
    at: SocketAddr,
    since: Duration,
    about: Mutex<About>,
}

/// The part of it that changes.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// What it calls itself.
    pub(crate) name: String,
    /// The name of its library.
    pub(crate) library: String,
    /// The version of its library.
    pub(crate) library_version: String,
    /// The version of the protocol that it speaks.
    pub(crate) protocol: Protocol,
    /// Its newest command.
    pub(crate) command: &'static str,
    /// When that was, by the server's monotonic clock.
    pub(crate) active: Duration,
}

impl Seen {
    pub(crate) fn new(id: u64, from: SocketAddr, at: SocketAddr, now: Duration) -> Self {
        let about = About { active: now, command: "NULL", ..About::default() };
        Self { id, from, at, since: now, about: Mutex::new(about) }
    }

    pub(crate) fn about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line about it, as `CLIENT LIST` has it. `now` is the server's monotonic clock.
    pub(crate) fn line(&self, now: Duration) -> String {
        let about = self.about();
        let (id, from, at) = (self.id, self.from, self.at);
        let age = now.saturating_sub(self.since).as_secs();
        let idle = now.saturating_sub(about.active).as_secs();
        let (name, command) = (&about.name, about.command.to_ascii_lowercase());
        let (library, version) = (&about.library, &about.library_version);
        let protocol = about.protocol.number();
        format!(
            "id={id} addr={from} laddr={at} name={name} age={age} idle={idle} flags=N db=0 \
             cmd={command} user=default lib-name={library} lib-ver={version} resp={protocol}\n"
        )
    }
}
