//! Random histories of several replicas that exchange states partly, late and repeatedly, against a
//! model that remembers every single write.

use std::collections::BTreeSet;

use kvs_core::Key;
use proptest::prelude::*;
use proptest::sample::Index;

use super::samples::{dot, versions};
use super::{CausalToken, Dot, Sibling, Timestamp, VersionVector, Versions};

const REPLICAS: u8 = 3;
/// Keys of one bucket: they share their counters.
const KEYS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    /// A replica mints, for a client that may have read a snapshot.
    Write { at: u8, key: usize, read: Option<Index>, is_delete: bool },
    /// What a client reads, and what a message carries that is long under way.
    Snapshot { at: u8, key: usize },
    /// One replica gets the state of another.
    Send { from: u8, to: u8, key: usize },
    /// A replica gets a snapshot.
    Deliver { what: Index, to: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = || 0..REPLICAS;
    let key = || 0..KEYS;
    let step = prop_oneof![
        4 => (at(), key(), any::<Option<Index>>(), prop::bool::weighted(0.3))
            .prop_map(|(at, key, read, is_delete)| Step::Write { at, key, read, is_delete }),
        2 => (at(), key()).prop_map(|(at, key)| Step::Snapshot { at, key }),
        3 => (at(), at(), key()).prop_map(|(from, to, key)| Step::Send { from, to, key }),
        2 => (any::<Index>(), at()).prop_map(|(what, to)| Step::Deliver { what, to }),
    ];
    prop::collection::vec(step, 0..60)
}

/// A key at a replica, and the truth about it.
#[derive(Clone, Debug, Default)]
struct State {
    versions: Versions,
    seen: BTreeSet<Dot>,
    replaced: BTreeSet<Dot>,
}

impl State {
    fn live(&self) -> BTreeSet<Dot> {
        &self.seen - &self.replaced
    }

    /// Takes another replica's state, as bytes.
    fn receive(&mut self, other: &Self) {
        let before = self.versions.clone();
        let descends = before.descends(&other.versions);
        let changed = self.versions.join(Versions::decode(&other.versions.encode()).unwrap());
        assert_eq!(changed, self.versions != before);
        assert_eq!(changed, !descends);
        self.seen.extend(&other.seen);
        self.replaced.extend(&other.replaced);
        self.check();
    }

    /// The versions say what is true.
    fn check(&self) {
        let siblings = self.versions.siblings().iter().map(|sibling| sibling.dot);
        assert!(siblings.eq(self.live()), "{self:#?}");
        let context: VersionVector = self.seen.iter().copied().collect();
        assert_eq!(*self.versions.context(), context);
        assert!(self.seen.is_empty() || !self.versions.siblings().is_empty());
    }
}

#[derive(Default)]
struct History {
    replicas: [[State; KEYS]; REPLICAS as usize],
    counters: [u64; REPLICAS as usize],
    snapshots: Vec<(usize, State)>,
    /// Each write of each key, with the writes that it replaced.
    writes: [Vec<(Dot, BTreeSet<Dot>)>; KEYS],
}

impl History {
    fn run(steps: Vec<Step>) -> Self {
        let mut history = Self::default();
        steps.into_iter().for_each(|step| history.step(step));
        history
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write { at, key, read, is_delete } => self.write(at, key, read, is_delete),
            Step::Snapshot { at, key } => {
                self.snapshots.push((key, self.replicas[usize::from(at)][key].clone()));
            }
            Step::Send { from, to, key } => {
                let state = self.replicas[usize::from(from)][key].clone();
                self.replicas[usize::from(to)][key].receive(&state);
            }
            Step::Deliver { what, to } if !self.snapshots.is_empty() => {
                let (key, state) = &self.snapshots[what.index(self.snapshots.len())];
                self.replicas[usize::from(to)][*key].receive(state);
            }
            Step::Deliver { .. } => {}
        }
    }

    fn write(&mut self, at: u8, key: usize, read: Option<Index>, is_delete: bool) {
        let counter = &mut self.counters[usize::from(at)];
        *counter += 1;
        let dot = dot(at, *counter);
        let timestamp = Timestamp::from_ms(*counter);
        let write = match is_delete {
            true => Sibling::tombstone(dot, timestamp),
            false => Sibling::new(dot, timestamp, dot.to_string()),
        };
        let reads: Vec<_> = self.snapshots.iter().filter(|(of, _)| *of == key).collect();
        let read = read.filter(|_| !reads.is_empty()).map(|read| &reads[read.index(reads.len())].1);

        let state = &mut self.replicas[usize::from(at)][key];
        let replaced: BTreeSet<Dot> = match read {
            None => state.live(),
            Some(read) => &state.live() & &read.seen,
        };
        let name = Key::from("key");
        let seen =
            read.map(|read| CausalToken::new(&name, read.versions.context()).seen(&name).unwrap());
        state.versions.write(write, seen.as_ref()).unwrap();
        state.seen.insert(dot);
        state.replaced.extend(&replaced);
        state.check();
        self.writes[key].push((dot, replaced));
    }

    /// Everybody gets everything, in orders that differ.
    fn exchange_all(&mut self) {
        for to in 0..REPLICAS {
            for offset in 0..2 * REPLICAS {
                let from = (to + offset) % REPLICAS;
                (0..KEYS).for_each(|key| self.step(Step::Send { from, to, key }));
            }
        }
    }

    /// All states of a key that ever were looked at.
    fn states(&self, key: usize) -> Vec<&Versions> {
        let snapshots = self.snapshots.iter().filter(|(of, _)| *of == key);
        let held = self.replicas.iter().map(|replica| &replica[key]);
        snapshots.map(|(_, state)| state).chain(held).map(|state| &state.versions).collect()
    }
}

fn joined(a: &Versions, b: &Versions) -> Versions {
    let mut joined = a.clone();
    joined.join(b.clone());
    joined
}

proptest! {
    #[test]
    fn replicas_converge_and_lose_nothing(steps in steps()) {
        let mut history = History::run(steps);
        history.exchange_all();
        for key in 0..KEYS {
            let [first, others @ ..] = history.replicas.each_ref().map(|replica| &replica[key]);
            for other in others {
                prop_assert_eq!(&first.versions, &other.versions);
                prop_assert_eq!(first.versions.encode(), other.versions.encode());
                prop_assert_eq!(first.versions.digest(b"key"), other.versions.digest(b"key"));
            }
            let writes = &history.writes[key];
            for (dot, _) in writes {
                let is_held = first.live().contains(dot);
                let is_replaced = writes.iter().any(|(_, replaced)| replaced.contains(dot));
                prop_assert!(is_held || is_replaced, "{dot} was lost");
            }
        }
    }

    #[test]
    fn what_is_replaced_never_returns(steps in steps()) {
        let mut history = History::run(steps);
        let old: Vec<Vec<Versions>> =
            (0..KEYS).map(|key| history.states(key).into_iter().cloned().collect()).collect();
        history.exchange_all();
        for (key, old) in old.into_iter().enumerate() {
            let state = &mut history.replicas[0][key];
            for versions in old {
                prop_assert!(state.versions >= versions);
                prop_assert!(!state.versions.join(versions));
                state.check();
            }
        }
    }

    #[test]
    fn states_of_histories_form_a_lattice(
        steps in steps(),
        picks: [Index; 3],
        key in 0..KEYS,
    ) {
        let history = History::run(steps);
        let states = history.states(key);
        check_lattice(picks.map(|pick| states[pick.index(states.len())]));
    }

    #[test]
    fn any_states_form_a_lattice(a in versions(), b in versions(), c in versions()) {
        check_lattice([&a, &b, &c]);
    }
}

/// A join is a least upper bound in the order of descent.
fn check_lattice([a, b, c]: [&Versions; 3]) {
    let both = joined(a, b);
    assert_eq!(joined(a, a), *a);
    assert_eq!(both, joined(b, a));
    assert_eq!(joined(&both, c), joined(a, &joined(b, c)));
    assert!(both >= *a && both >= *b);
    assert_eq!(a.descends(b), both == *a);
    assert!(!(c >= a && c >= b) || *c >= both);
}
