//! Many nodes in one thread, with a bad network and a clock that is moved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::{Random, SeededRandom};

use crate::identity::{Incarnation, NodeId};
use crate::membership::config::Timing;
use crate::membership::datagram::{Envelope, GossipKey};
use crate::membership::gossip::Gossip;
use crate::membership::identity::Identity;
use crate::membership::view::{Members, State};

/// A node, or the place of one that is stopped.
struct Place {
    gossip: Option<Gossip>,
    incarnation: u64,
    /// On which side of a partition it is.
    side: u8,
    /// While the process is paused: what has come meanwhile.
    paused: Option<Vec<(SocketAddr, Vec<u8>)>>,
}

/// How many datagrams wait for a paused process; the network loses more.
const BACKLOG_MAX: usize = 100;

/// A cluster. Everything that happens in it follows from its seed.
pub(super) struct World {
    pub(super) now: Duration,
    places: BTreeMap<SocketAddr, Place>,
    on_the_way: BTreeMap<(Duration, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    random: Arc<SeededRandom>,
    /// Links that carry nothing, in this direction.
    pub(super) cut: BTreeSet<(SocketAddr, SocketAddr)>,
    /// In 100 datagrams.
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) delay_ms_max: u64,
    pub(super) datagrams: u64,
    /// A digest of everything that was delivered, when, from whom and to whom.
    trace: blake3::Hasher,
}

pub(super) fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n], 4343))
}

pub(super) fn id(n: u8) -> NodeId {
    NodeId::from_bytes([n; 16])
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: Duration::from_secs(1000),
            places: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            random: Arc::new(SeededRandom::new(seed)),
            cut: BTreeSet::new(),
            lost: 0,
            doubled: 0,
            delay_ms_max: 5,
            datagrams: 0,
            trace: blake3::Hasher::new(),
        }
    }

    /// A cluster of nodes 1 to `nodes`, all with node 1 as their seed.
    pub(super) fn of(nodes: u8, seed: u64) -> Self {
        let mut world = Self::new(seed);
        for n in 1..=nodes {
            world.start(n);
        }
        world
    }

    /// The node `n` starts, with the next incarnation of its place.
    pub(super) fn start(&mut self, n: u8) {
        let incarnation = self.places.get(&address(n)).map_or(1, |place| place.incarnation + 1);
        self.start_as(address(n), id(n), incarnation);
    }

    /// Some node starts somewhere.
    pub(super) fn start_as(&mut self, address: SocketAddr, node: NodeId, incarnation: u64) {
        let key = GossipKey::derive(b"key");
        let random = Arc::new(SeededRandom::new(self.random.next_u64()));
        let life = Identity { node, incarnation: Incarnation(incarnation), address, renewals: 0 };
        let mut gossip = Gossip::new(life, Timing::default(), Envelope::new("sim", &[key]), random);
        gossip.add_seeds(self.now, [self::address(1)]);
        let side = self.places.get(&address).map_or(0, |place| place.side);
        self.places
            .insert(address, Place { gossip: Some(gossip), incarnation, side, paused: None });
    }

    /// The node `n` is gone, without a word.
    pub(super) fn stop(&mut self, n: u8) {
        self.places.get_mut(&address(n)).unwrap().gossip = None;
    }

    /// The process of the node `n` stands still.
    pub(super) fn pause(&mut self, n: u8) {
        self.places.get_mut(&address(n)).unwrap().paused = Some(Vec::new());
    }

    /// It goes on, with what has come meanwhile.
    pub(super) fn resume(&mut self, n: u8) {
        let at = address(n);
        for (from, datagram) in self.places.get_mut(&at).unwrap().paused.take().unwrap() {
            self.act(at, |gossip, now| drop(gossip.receive(now, &datagram, from)));
        }
    }

    /// Puts these nodes on a side of their own; on the same as all others, if `side` is 0.
    pub(super) fn part(&mut self, nodes: &[u8], side: u8) {
        for n in nodes {
            self.places.get_mut(&address(*n)).unwrap().side = side;
        }
    }

    pub(super) fn act(&mut self, at: SocketAddr, act: impl FnOnce(&mut Gossip, Duration)) {
        let gossip = self.places.get_mut(&at).unwrap().gossip.as_mut().unwrap();
        act(gossip, self.now);
        self.collect(at);
    }

    pub(super) fn gossip(&self, n: u8) -> &Gossip {
        self.places[&address(n)].gossip.as_ref().unwrap()
    }

    pub(super) fn members(&self, n: u8) -> &Members {
        self.gossip(n).members()
    }

    /// Whether all nodes that run see the very nodes that run, and suspect none.
    pub(super) fn agrees(&self) -> bool {
        let running = || self.places.iter().filter(|(_, place)| place.gossip.is_some());
        running().all(|(_, place)| {
            let members = place.gossip.as_ref().unwrap().members();
            members.len() == running().count()
                && running().all(|(address, other)| {
                    members.values().any(|seen| {
                        seen.address == *address
                            && seen.incarnation == Incarnation(other.incarnation)
                            && seen.state == State::Up
                    })
                })
        })
    }

    /// Lets time pass until `done`, and says how much it was. Panics after `limit`.
    pub(super) fn until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        while !done(self) {
            let passed = self.now - start;
            let views: Vec<_> = self
                .places
                .iter()
                .map(|(at, place)| {
                    (at, place.gossip.as_ref().map(|g| g.members().keys().collect::<Vec<_>>()))
                })
                .collect();
            assert!(passed < limit, "not after {passed:?}: {views:?}");
            self.step(start + limit);
        }
        self.now - start
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step(end);
        }
    }

    pub(super) fn trace(&self) -> blake3::Hash {
        self.trace.finalize()
    }

    /// The next thing happens, if there is one before `end`.
    fn step(&mut self, end: Duration) {
        let due = |(at, place): (&SocketAddr, &Place)| {
            let running = place.gossip.as_ref().filter(|_| place.paused.is_none());
            running.and_then(Gossip::deadline).map(|deadline| (deadline, *at))
        };
        let timer = self.places.iter().filter_map(due).min();
        let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
        let next = [timer.map(|(at, _)| at), arrival].into_iter().flatten().min();
        let Some(next) = next.filter(|at| *at <= end) else {
            self.now = end;
            return;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let (_, (from, to, datagram)) = self.on_the_way.pop_first().unwrap();
            self.deliver(from, to, &datagram);
        } else if let Some((_, at)) = timer {
            self.act(at, Gossip::elapse);
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let side = |at| self.places.get(at).map(|place| place.side);
        let cut = side(&from) != side(&to) || self.cut.contains(&(from, to));
        if cut || self.places[&to].gossip.is_none() {
            return;
        }
        if let Some(backlog) = &mut self.places.get_mut(&to).unwrap().paused {
            if backlog.len() < BACKLOG_MAX {
                backlog.push((from, datagram.to_vec()));
            }
            return;
        }
        self.datagrams += 1;
        self.trace.update(format!("{:?} {from} {to}", self.now).as_bytes()).update(datagram);
        self.act(to, |gossip, now| drop(gossip.receive(now, datagram, from)));
    }

    fn collect(&mut self, from: SocketAddr) {
        let gossip = self.places.get_mut(&from).unwrap().gossip.as_mut().unwrap();
        while let Some((to, datagram)) = gossip.outgoing() {
            if self.random.next_u64() % 100 < self.lost {
                continue;
            }
            let copies = 1 + u64::from(self.random.next_u64() % 100 < self.doubled);
            for _ in 0..copies {
                let delay =
                    Duration::from_micros(self.random.next_u64() % (self.delay_ms_max * 1000) + 1);
                let order = self.random.next_u64();
                self.on_the_way.insert((self.now + delay, order), (from, to, datagram.clone()));
            }
        }
    }
}
