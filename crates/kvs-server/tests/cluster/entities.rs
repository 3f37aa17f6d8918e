//! Histories of entities while nodes die and stand still, checked for linearizability.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kvs_check::history::Outcome;
use kvs_check::model::{counter, feed, register};
use kvs_check::record::{Call, Exchange, Record};
use kvs_check::{Limits, Text};
use redis::{FromRedisValue, cmd};

use crate::client::Client;
use crate::cluster::Cluster;
use crate::until;

/// How many clients call at the same time.
const CLIENTS: u64 = 8;
/// Answers there have to be between two events.
const SOME: usize = 150;
/// Between two calls of a client: histories are to be long in time rather than in calls.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a client waits for a node.
const ANSWER_MAX: Duration = Duration::from_secs(8);

const FEED: &str = "cup/feed";
const COUNTERS: [&str; 2] = ["cup/visitors", "cup/goals"];
const REGISTERS: [&str; 2] = ["cup/holder", "cup/referee"];

#[test]
fn histories_are_linearizable_while_nodes_die_and_stand_still() {
    let mut cluster = Cluster::start(5, &[]);
    let doors = cluster.doors();
    let history = History::default();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let caller = Caller::new(number, &doors, &history);
            scope.spawn(move || caller.work());
        }
        // Whatever happens here, the clients have to end.
        let _stop = Stop(&history);
        history.goes_on();
        for victim in 0..5 {
            cluster[victim].kill();
            history.goes_on();
            cluster[victim].start();
            history.goes_on();
        }
        for frozen in [1, 4, 0] {
            cluster[frozen].freeze();
            let others: Vec<usize> = (0..5).filter(|n| *n != frozen).collect();
            cluster.wait_for(&others);
            history.goes_on();
            cluster[frozen].thaw();
            history.goes_on();
        }
        for node in [2, 3] {
            cluster[node].kill();
        }
        for node in [2, 3] {
            cluster[node].start();
        }
        history.goes_on();
    });
    cluster.wait_for_all();
    let records = history.records.into_inner().unwrap();
    every_node_shows_the_same_feed(&doors, &records);
    for report in kvs_check::check(&records, Limits::default()).unwrap() {
        assert!(report.verdict.holds(), "{report}");
    }
}

/// Entries are numbered 1, 2, 3, …, and each that was acknowledged is there once, by its number.
fn every_node_shows_the_same_feed(doors: &[SocketAddr], records: &[Record]) {
    let shown = |door: &SocketAddr| {
        let mut client = Client::new(*door);
        until(
            || format!("{door} does not show the feed"),
            || match client.call::<Vec<(u64, String)>>(cmd("FEED.ALL").arg(FEED)) {
                Outcome::Ok(entries) => Some(entries),
                Outcome::NotApplied | Outcome::Unknown => None,
            },
        )
    };
    let feeds: Vec<_> = doors.iter().map(shown).collect();
    let [feed, others @ ..] = feeds.as_slice() else { panic!("no nodes") };
    assert!(others.iter().all(|other| other == feed), "nodes differ");
    assert!(feed.iter().rev().map(|(eid, _)| *eid).eq(1..=feed.len() as u64), "{feed:?}");
    let values: BTreeSet<_> = feed.iter().map(|(_, value)| value).collect();
    assert_eq!(values.len(), feed.len(), "an entry is there twice");
    for record in records {
        let Call::Feed(Exchange { command: feed::Command::Add { value }, outcome }) = &record.call
        else {
            continue;
        };
        if let Outcome::Ok(feed::Answer::Number(eid)) = outcome {
            let entry = (*eid, String::from(value.clone()));
            assert!(feed.contains(&entry), "{entry:?} is not there");
        }
    }
}

/// What all clients did.
struct History {
    start: Instant,
    answers: AtomicUsize,
    stop: AtomicBool,
    records: Mutex<Vec<Record>>,
}

impl Default for History {
    fn default() -> Self {
        let (answers, stop, records) = Default::default();
        Self { start: Instant::now(), answers, stop, records }
    }
}

impl History {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    /// Waits until there are some more answers.
    #[track_caller]
    fn goes_on(&self) {
        let goal = self.answers.load(Ordering::Relaxed) + SOME;
        let here = || self.answers.load(Ordering::Relaxed);
        until(
            || format!("{} calls are answered, not {goal}", here()),
            || (here() >= goal).then_some(()),
        );
    }
}

/// Has the clients end when it is dropped.
struct Stop<'a>(&'a History);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// A client that goes from node to node.
struct Caller<'a> {
    number: u64,
    clients: Vec<Client>,
    at: usize,
    /// Of a linear congruential generator (Knuth's constants).
    seed: u64,
    history: &'a History,
}

impl<'a> Caller<'a> {
    fn new(number: u64, doors: &[SocketAddr], history: &'a History) -> Self {
        let client = |door: &SocketAddr| Client::new(*door).answer_max(ANSWER_MAX);
        let clients = doors.iter().map(client).collect();
        Self { number, clients, at: 0, seed: number, history }
    }

    fn work(mut self) {
        for n in 0.. {
            if self.history.stop.load(Ordering::Relaxed) {
                return;
            }
            self.at = usize::try_from(self.draw(self.clients.len() as u64)).unwrap();
            let value = format!("{}-{n}", self.number);
            match self.draw(4) {
                0 | 1 => self.feed(&value),
                2 => self.counter(),
                _ => self.register(&value),
            }
            thread::sleep(PAUSE);
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.seed >> 33) % below
    }

    fn feed(&mut self, value: &str) {
        use feed::{Answer, Command};
        match self.draw(8) {
            0 => {
                let command = Command::All { from: None, limit: Some(20) };
                let ask = cmd("FEED.ALL").arg(FEED).arg("LIMIT").arg(20).to_owned();
                let answer = |entries: Vec<(u64, String)>| {
                    Answer::Entries(
                        entries.into_iter().map(|(eid, value)| (eid, value.into())).collect(),
                    )
                };
                self.call(FEED, &ask, answer, |outcome| Call::Feed(Exchange { command, outcome }));
            }
            1 => {
                let ask = cmd("FEED.LEN").arg(FEED).to_owned();
                self.call(FEED, &ask, Answer::Number, |outcome| {
                    Call::Feed(Exchange { command: Command::Len, outcome })
                });
            }
            _ => {
                let command = Command::Add { value: value.into() };
                let ask = cmd("FEED.ADD").arg(FEED).arg(value).to_owned();
                self.call(FEED, &ask, Answer::Number, |outcome| {
                    Call::Feed(Exchange { command, outcome })
                });
            }
        }
    }

    fn counter(&mut self) {
        let name = COUNTERS[usize::from(self.draw(2) == 0)];
        let ask = cmd("INCR").arg(name).to_owned();
        let command = counter::Command::Add { by: 1 };
        self.call(
            name,
            &ask,
            |sum: i64| sum,
            |outcome| Call::Counter(Exchange { command, outcome }),
        );
    }

    fn register(&mut self, value: &str) {
        use register::{Answer, Command, When};
        let name = REGISTERS[usize::from(self.draw(2) == 0)];
        let done = |answer: Option<String>| Answer::Done(answer.is_some());
        let set = |when| Command::Set { value: value.into(), when };
        let call = |command| |outcome| Call::Register(Exchange { command, outcome });
        match self.draw(6) {
            0 => {
                let ask = cmd("SET").arg(name).arg(value).arg("NX").to_owned();
                self.call(name, &ask, done, call(set(When::Absent)));
            }
            1 => {
                let ask = cmd("SET").arg(name).arg(value).to_owned();
                self.call(name, &ask, done, call(set(When::Always)));
            }
            2 => {
                let ask = cmd("DEL").arg(name).to_owned();
                self.call(name, &ask, |n: u64| Answer::Done(n == 1), call(Command::Delete));
            }
            _ => {
                let ask = cmd("GET").arg(name).to_owned();
                let answer = |found: Option<String>| Answer::Value(found.map(Text::from));
                self.call(name, &ask, answer, call(Command::Get));
            }
        }
    }

    /// Calls the node whose turn it is, and notes what came of it.
    fn call<T: FromRedisValue, A>(
        &mut self,
        entity: &str,
        ask: &redis::Cmd,
        answer: impl FnOnce(T) -> A,
        note: impl FnOnce(Outcome<A>) -> Call,
    ) {
        let invoked = self.history.now();
        let outcome = match self.clients[self.at].call(ask) {
            Outcome::Ok(found) => {
                self.history.answers.fetch_add(1, Ordering::Relaxed);
                Outcome::Ok(answer(found))
            }
            Outcome::NotApplied => Outcome::NotApplied,
            Outcome::Unknown => Outcome::Unknown,
        };
        let returned = Some(self.history.now());
        let (entity, client) = (entity.to_owned(), self.number);
        let record = Record { entity, client, invoked, returned, call: note(outcome) };
        self.history.records.lock().unwrap().push(record);
    }
}
