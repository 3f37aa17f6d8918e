//! Writing through all nodes, and checking afterwards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::client::Client;
use crate::until;

/// Keys of each writer. Few, so that most are written several times.
const KEYS: u64 = 150;

/// How long a writer waits for one node. One that stands still does not stop it.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// What may be read of each key.
#[derive(Default)]
pub(crate) struct Written(BTreeMap<String, Expected>);

/// What may be read of a key; `None`: that it is deleted.
#[derive(Default)]
struct Expected {
    /// What was acknowledged last.
    acknowledged: Option<String>,
    /// What was tried without an answer: a node that stood still may do it when it goes on, however
    /// late.
    unanswered: Vec<Option<String>>,
}

impl Expected {
    fn allows(&self, found: &Option<String>) -> bool {
        *found == self.acknowledged || self.unanswered.contains(found)
    }
}

impl From<Option<String>> for Expected {
    fn from(acknowledged: Option<String>) -> Self {
        Self { acknowledged, ..Self::default() }
    }
}

/// Writers at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Written>>,
}

impl Load {
    /// Starts so many writers. Each has keys of its own, and writes the next one when the one before
    /// is acknowledged: until then it goes from node to node, with the same value.
    pub(crate) fn start(writers: u64, doors: &[SocketAddr]) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let acknowledged = Arc::<AtomicU64>::default();
        let writers = (0..writers)
            .map(|writer| {
                let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
                let mut clients: Vec<_> =
                    doors.iter().map(|door| Client::new(*door).answer_max(ANSWER_MAX)).collect();
                thread::spawn(move || write(writer, &mut clients, &stop, &acknowledged))
            })
            .collect();
        Self { stop, acknowledged, writers }
    }

    /// Waits until so many more writes are acknowledged.
    #[track_caller]
    pub(crate) fn goes_on(&self, more: u64) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + more;
        let here = || self.acknowledged.load(Ordering::Relaxed);
        until(
            || format!("{} writes are acknowledged, not {goal}", here()),
            || {
                let failed = self.writers.iter().any(JoinHandle::is_finished);
                assert!(!failed, "a writer met what it should not");
                (here() >= goal).then_some(())
            },
        );
    }

    /// Ends it, and gives what was written.
    pub(crate) fn stop(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.writers.into_iter().flat_map(|writer| writer.join().unwrap().0);
        Written(written.collect())
    }
}

fn write(
    writer: u64,
    clients: &mut [Client],
    stop: &AtomicBool,
    acknowledged: &AtomicU64,
) -> Written {
    let mut written = Written::default();
    let mut random = Random(writer + 1);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let key = format!("{writer}-{}", random.below(KEYS));
        let deletes = random.below(10) == 0;
        let value = format!("{number:0100}");
        let written_now = (!deletes).then(|| value.clone());
        let expected = written.0.entry(key.clone()).or_default();
        until(
            || format!("{key} can't be written"),
            || {
                let at = usize::try_from(random.below(clients.len() as u64)).unwrap();
                let client = &mut clients[at];
                let answer = if deletes { client.delete(&key) } else { client.put(&key, &value) };
                if answer.is_err() && !expected.unanswered.contains(&written_now) {
                    expected.unanswered.push(written_now.clone());
                }
                answer.ok()
            },
        );
        expected.acknowledged = written_now;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    written
}

impl Written {
    /// Writes values of so many bytes, each under a key of its own.
    pub(crate) fn fill(client: &mut Client, prefix: &str, count: u64, bytes: usize) -> Self {
        let value = |n: u64| Some(format!("{n:0bytes$}"));
        let written: BTreeMap<_, Expected> =
            (0..count).map(|n| (format!("{prefix}-{n}"), value(n).into())).collect();
        for (key, expected) in &written {
            let value = expected.acknowledged.as_deref().unwrap();
            until(|| format!("{key} can't be written"), || client.put(key, value).ok());
        }
        Self(written)
    }

    /// The same with these as well, which are newer.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// All of it is there, through each of these nodes.
    #[track_caller]
    pub(crate) fn is_read_through(&self, doors: &[SocketAddr]) {
        assert!(!self.0.is_empty());
        thread::scope(|scope| {
            for door in doors {
                scope.spawn(move || {
                    let mut client = Client::new(*door);
                    for (key, expected) in &self.0 {
                        let found = read(&mut client, key);
                        let last = &expected.acknowledged;
                        assert!(
                            expected.allows(&found),
                            "{key} at {door}: {found:?}, not {last:?}"
                        );
                    }
                });
            }
        });
    }
}

/// Reads until there is an answer.
fn read(client: &mut Client, key: &str) -> Option<String> {
    let failure = RefCell::default();
    until(
        || format!("{key} can't be read: {}", failure.borrow()),
        || client.get(key).map_err(|why| failure.replace(why.text)).ok(),
    )
}

/// Numbers that look random, the same in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
