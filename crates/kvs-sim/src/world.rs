//! What the parts of a simulation share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvs_core::Key;
use kvs_rng::identity::NodeId;
use kvs_rng::layout::Layout;
use kvs_rng::replica::Condition;
use xxhash_rust::xxh3::xxh3_64;

use crate::clock::{SimClock, Time};
use crate::disk::SimDisk;
use crate::entities::Calls;
use crate::history::History;
use crate::mints::Mints;
use crate::net::{Links, Noise};
use crate::scenario::Scenario;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nodes join.
    Forming,
    /// Clients work, and faults happen.
    Working,
    /// The faults have ended; nodes catch up.
    Healing,
    /// For the so-manieth time every node reads every key.
    Reading(u64),
}

/// What outlives a node's process.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its disk.
    pub disk: SimDisk,
    /// Its clock.
    pub clock: SimClock,
    /// How often it has been switched on.
    pub boots: Arc<AtomicU64>,
    /// Whether its disk was lost, and is another one now.
    pub wiped: Arc<AtomicBool>,
    /// How often its process has been started.
    pub starts: Arc<AtomicU64>,
}

/// What a running node says of itself.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who it is.
    pub id: NodeId,
    /// The layout as it knows it.
    pub layout: Arc<Layout>,
    /// What its replica may be asked.
    pub condition: Condition,
    /// The last round of reading that it has finished.
    pub read: u64,
}

/// A simulation's state. Clones are handles of the same.
#[derive(Clone, Debug)]
pub struct World {
    /// What happens in it.
    pub scenario: Arc<Scenario>,
    /// The true time.
    pub time: Time,
    /// What clients did.
    pub history: History,
    /// What clients did to entities.
    pub calls: Calls,
    /// What was minted.
    pub mints: Mints,
    /// The network.
    pub links: Links,
    /// What becomes of datagrams.
    pub noise: Noise,
    /// The machines, by node.
    pub machines: Arc<Vec<Machine>>,
    ids: Arc<AtomicU64>,
    rare: Arc<AtomicU64>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    phase: Phase,
    reports: BTreeMap<usize, Report>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(scenario: Scenario) -> Self {
        let (time, history) = (Time::default(), History::default());
        let mints = Mints::new(history.clone());
        let machine = |_| Machine {
            disk: SimDisk::new(mints.clone()),
            clock: SimClock::new(time.clone()),
            boots: Arc::default(),
            wiped: Arc::default(),
            starts: Arc::default(),
        };
        Self {
            machines: Arc::new((0..scenario.nodes).map(machine).collect()),
            scenario: Arc::new(scenario),
            time,
            calls: Calls::new(history.clone()),
            history,
            mints,
            links: Links::default(),
            noise: Noise::default(),
            ids: Arc::default(),
            rare: Arc::default(),
            shared: Arc::new(Mutex::new(Shared {
                phase: Phase::Forming,
                reports: BTreeMap::new(),
            })),
        }
    }

    /// What is going on.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Goes on.
    pub fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    /// A node says how it is.
    pub fn report(&self, node: usize, report: Report) {
        self.lock().reports.insert(node, report);
    }

    /// A node's process has ended.
    pub fn forget(&self, node: usize) {
        self.lock().reports.remove(&node);
    }

    /// What the running nodes have said.
    pub fn reports(&self) -> BTreeMap<usize, Report> {
        self.lock().reports.clone()
    }

    /// A number that was never given before.
    pub fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A key that was never used before.
    pub fn new_rare_key(&self) -> Key {
        rare_key(self.rare.fetch_add(1, Ordering::SeqCst))
    }

    /// One of the keys that were given so far, which `pick` picks by their number.
    pub fn some_rare_key(&self, pick: impl FnOnce(u64) -> u64) -> Option<Key> {
        let given = self.rare.load(Ordering::SeqCst);
        (given > 0).then(|| rare_key(pick(given)))
    }

    /// All keys that clients have used.
    pub fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        let often =
            (0..PARTITIONS).flat_map(|partition| (0..ROWS).map(move |row| key(partition, row)));
        often.chain((0..self.rare.load(Ordering::SeqCst)).map(rare_key))
    }

    /// A hash of everything that clients have seen: two runs with the same hash were the same.
    pub fn hash(&self) -> u64 {
        let operations = self.history.operations();
        let operations = operations.iter().map(|operation| format!("{operation:?}"));
        let calls = self.calls.all();
        let calls = calls.iter().map(|call| format!("{call:?}"));
        xxh3_64(operations.chain(calls).collect::<Vec<_>>().join("\n").as_bytes())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Partitions that clients use often.
pub const PARTITIONS: u64 = 4;
/// Rows of each.
pub const ROWS: u64 = 3;

/// A row that clients use often.
pub fn key(partition: u64, row: u64) -> Key {
    Key::new(format!("p{partition}"), format!("r{row}"))
}

/// A key that is written once, and read now and then: nothing but that brings a node what it lacks of it.
fn rare_key(number: u64) -> Key {
    Key::from(format!("rare{number}"))
}
