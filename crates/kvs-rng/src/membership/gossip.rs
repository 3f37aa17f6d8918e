//! The protocol as a state machine: datagrams, commands and the passing of time go in, datagrams and a
//! view of the members come out. It knows neither sockets nor clocks, so that many of them can be run
//! in one thread, and replayed.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::{AccumulatingRuntime, OwnedNotification as Notification, Timer};
use kvs_core::env::Random;

use super::advert::{Advert, Adverts, Item};
use super::config::Timing;
use super::datagram::Envelope;
use super::detector::{self, Detector};
use super::dropped::Dropped;
use super::identity::Identity;
use super::limits::{OUTGOING_MAX, SEEDS_MAX};
use super::message::Message;
use super::pace::Pace;
use super::packet::Packet;
use super::timers::{Due, Timers};
use super::view::{Counters, Members};
use crate::identity::NodeId;

/// How long to wait for more newcomers before they are told what this node advertises.
const NEWCOMERS: Duration = Duration::from_millis(500);

/// How many times longer than while alone to wait before missing seeds are tried again.
const IN_COMPANY: u32 = 10;

/// How often a node that leaves tells so, each time to three members: any one may be lost.
const FAREWELLS: usize = 3;

/// One node's part in the protocol. All times are since one fixed moment, and never go back.
pub(crate) struct Gossip {
    detector: Detector,
    runtime: AccumulatingRuntime<Identity>,
    timing: Timing,
    envelope: Envelope,
    random: Arc<dyn Random>,
    seeds: BTreeSet<SocketAddr>,
    adverts: Adverts,
    /// What this node advertises, and how often it said so.
    advert: Option<Advert>,
    sequence: u64,
    timers: Timers,
    outgoing: VecDeque<(SocketAddr, Vec<u8>)>,
    pace: Pace,
    /// Others call this node down, and it has not come back yet.
    declared_down: bool,
    left: bool,
    /// How many others the detector was last tuned for.
    tuned_for: usize,
    members: Arc<Members>,
    counters: Counters,
}

impl Gossip {
    /// A node that knows nobody. Its first [`elapse`](Self::elapse) is due at once.
    pub(crate) fn new(
        identity: Identity,
        timing: Timing,
        envelope: Envelope,
        random: Arc<dyn Random>,
    ) -> Self {
        let adverts = Adverts::default();
        let config = timing.detector(0);
        let mut gossip = Self {
            detector: detector::detector(identity, config, adverts.clone(), &*random),
            runtime: AccumulatingRuntime::new(),
            timing,
            envelope,
            random,
            seeds: BTreeSet::new(),
            adverts,
            advert: None,
            sequence: 0,
            timers: Timers::default(),
            outgoing: VecDeque::new(),
            pace: Pace::default(),
            declared_down: false,
            left: false,
            tuned_for: 0,
            members: Arc::default(),
            counters: Counters::default(),
        };
        gossip.timers.arm(Due::Seeds, Duration::ZERO);
        gossip.settle(Duration::ZERO);
        gossip
    }

    /// A datagram has come. An error says why it was dropped.
    pub(crate) fn receive(
        &mut self,
        now: Duration,
        datagram: &[u8],
        from: SocketAddr,
    ) -> Result<(), Dropped> {
        if self.left {
            return Ok(());
        }
        self.counters.received += 1;
        let admitted = self.admit(datagram, from);
        if let Err(dropped) = &admitted {
            dropped.count(&mut self.counters);
        }
        self.settle(now);
        admitted
    }

    /// Time has passed: does what is due.
    pub(crate) fn elapse(&mut self, now: Duration) {
        while let Some(due) = self.timers.pop(now) {
            self.fire(due, now);
            self.drain(now);
        }
        self.settle(now);
    }

    /// When to call [`elapse`](Self::elapse) next; never, once the node has left.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Tells all members, from now on.
    pub(crate) fn advertise(&mut self, now: Duration, advert: Advert) {
        if !self.left && self.advert != Some(advert) {
            self.advert = Some(advert);
            self.spread(now);
            self.settle(now);
        }
    }

    /// More addresses to look for members at; those over the limit are left out.
    pub(crate) fn add_seeds(&mut self, now: Duration, seeds: impl IntoIterator<Item = SocketAddr>) {
        for seed in seeds {
            if self.seeds.len() < SEEDS_MAX {
                self.seeds.insert(seed);
            }
        }
        if !self.left {
            self.timers.arm(Due::Seeds, now);
        }
    }

    /// Says good-bye, and falls silent for good.
    pub(crate) fn leave(&mut self, now: Duration) {
        if self.left {
            return;
        }
        self.left = true;
        let mut result = self.detector.leave_cluster(&mut self.runtime);
        for _ in 1..FAREWELLS {
            result = result.and_then(|()| self.detector.gossip(&mut self.runtime));
        }
        self.fault(result);
        self.drain(now);
        self.timers.clear();
    }

    /// The next datagram to send, and where to. To be called until there is none.
    pub(crate) fn outgoing(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let next = self.outgoing.pop_front()?;
        self.counters.sent += 1;
        Some(next)
    }

    /// The network refused a datagram that [`outgoing`](Self::outgoing) gave.
    pub(crate) fn unsent(&mut self) {
        self.counters.sent = self.counters.sent.saturating_sub(1);
        self.counters.unsent += 1;
    }

    /// Who seems to be up. The same allocation as long as nothing changes.
    pub(crate) fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// What has happened so far.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Who this node is, as of now.
    #[cfg(test)]
    pub(super) fn identity(&self) -> Identity {
        *self.detector.identity()
    }

    fn admit(&mut self, datagram: &[u8], from: SocketAddr) -> Result<(), Dropped> {
        let message = self.envelope.open(datagram)?;
        match Message::decode(&message).ok_or(Dropped::NoMessage)? {
            Message::Gossip(packet) => self.packet(packet),
            Message::Knock => {
                let here = Message::Here(*self.detector.identity());
                self.send(from, &here);
                Ok(())
            }
            Message::Here(other) => self.found(other),
        }
    }

    fn packet(&mut self, bytes: &[u8]) -> Result<(), Dropped> {
        let packet = Packet::decode(bytes).map_err(Dropped::packet)?;
        // Two nodes that take each other for down would tell each other so without end.
        if self.declared_down {
            return Ok(());
        }
        let (from, to) = (packet.header.src, packet.header.dst);
        if from.node == self.node() {
            return self.claims_to_be_us(from);
        }
        if to.node != self.node() {
            return Err(Dropped::Misaddressed { to: to.node, from: from.address });
        }
        let stranger = |node| !detector::knows(&self.detector, node);
        if detector::is_full(&self.detector) && packet.nodes().any(stranger) {
            return Err(Dropped::Crowded);
        }
        self.detector.handle_data(bytes, &mut self.runtime).map_err(Dropped::packet)
    }

    /// A seed has told who it is: asks it to be let in.
    fn found(&mut self, other: Identity) -> Result<(), Dropped> {
        if other.node == self.node() {
            return self.claims_to_be_us(other);
        }
        if self.detector.iter_members().any(|member| *member.id() == other) {
            return Ok(());
        }
        let result = self.detector.announce(other, &mut self.runtime);
        self.fault(result);
        Ok(())
    }

    /// This node's own datagrams may come back to it: it may be among its seeds.
    fn claims_to_be_us(&self, other: Identity) -> Result<(), Dropped> {
        let us = self.detector.identity();
        if (other.incarnation, other.address) == (us.incarnation, us.address) {
            return Ok(());
        }
        let (address, incarnation) = (other.address, other.incarnation);
        Err(Dropped::Impostor { address, incarnation, ours: us.incarnation })
    }

    fn fire(&mut self, due: Due, now: Duration) {
        match due {
            Due::Detector(timer) => self.detector_timer(timer),
            Due::Seeds => self.look_for_members(now),
            Due::Renew => self.renew(now),
            Due::Readvertise => self.spread(now),
        }
    }

    fn detector_timer(&mut self, timer: Timer<Identity>) {
        let forgotten = match &timer {
            Timer::RemoveDown(member) => Some(member.node),
            _ => None,
        };
        let result = self.detector.handle_timer(timer, &mut self.runtime);
        self.fault(result);
        if let Some(node) = forgotten.filter(|node| !detector::knows(&self.detector, *node)) {
            self.adverts.forget(&node);
        }
    }

    /// Knocks where a seed should be and no member is. A node that sees nobody also tries those that
    /// it saw before: it may have been the network that was down.
    fn look_for_members(&mut self, now: Duration) {
        let mut known = detector::addresses(&self.detector);
        let alone = known.is_empty();
        known.insert(self.detector.identity().address);
        for seed in self.seeds.difference(&known).copied().collect::<Vec<_>>() {
            self.send(seed, &Message::Knock);
        }
        if alone {
            for lost in detector::some_lost(&self.detector, &*self.random) {
                let result = self.detector.announce(lost, &mut self.runtime);
                self.fault(result);
            }
        }
        let pause = self.timing.seed_period * if alone { 1 } else { IN_COMPANY };
        self.timers.arm(Due::Seeds, now.saturating_add(pause));
    }

    /// Comes back after others have declared this node down: under a new identity, since a verdict is
    /// final for an old one.
    fn renew(&mut self, now: Duration) {
        let Some(renewed) = self.detector.identity().renewed() else { return };
        self.counters.renewals += 1;
        self.declared_down = false;
        if self.pace.renewed(now) {
            tracing::warn!(
                node = %renewed.node, incarnation = renewed.incarnation.0, address = %renewed.address,
                "others go on calling this node down although it answers: either they can't reach \
                 its address, or they know a later process of this node, as when its data folder is \
                 a copy"
            );
        }
        let result = self.detector.change_identity(renewed, &mut self.runtime);
        self.fault(result);
        // Nothing new; it makes the detector probe again those whom it still knows.
        let result = self.detector.apply_many(std::iter::empty(), false, &mut self.runtime);
        self.fault(result);
        self.timers.arm(Due::Seeds, now);
    }

    /// Tells all members what this node advertises, as news.
    fn spread(&mut self, now: Duration) {
        let Some(advert) = self.advert else { return };
        self.sequence += 1;
        let identity = self.detector.identity();
        let item = Item {
            node: identity.node,
            incarnation: identity.incarnation,
            sequence: self.sequence,
            advert,
        };
        let result = item.encode().map_err(|error| foca::Error::Encode(Box::new(error)));
        let result = result.and_then(|item| self.detector.add_broadcast(&item));
        let result = result.and_then(|_| self.detector.broadcast(&mut self.runtime));
        self.fault(result);
        self.timers.arm(Due::Readvertise, now.saturating_add(self.timing.advert_period));
    }

    fn settle(&mut self, now: Duration) {
        self.drain(now);
        let others = self.detector.num_members();
        if others != self.tuned_for {
            self.tuned_for = others;
            let result = self.detector.set_config(self.timing.detector(others));
            self.fault(result);
        }
        let members = detector::members(&self.detector, &self.adverts, self.advert);
        if members != *self.members {
            self.members = Arc::new(members);
        }
    }

    /// Carries out what the detector asked for.
    fn drain(&mut self, now: Duration) {
        while let Some((to, packet)) = self.runtime.to_send() {
            self.send(to.address, &Message::Gossip(&packet));
        }
        while let Some((after, timer)) = self.runtime.to_schedule() {
            self.timers.arm(Due::Detector(timer), now.saturating_add(after));
        }
        while let Some(notification) = self.runtime.to_notify() {
            match notification {
                Notification::MemberUp(_) | Notification::Rename(..) if self.advert.is_some() => {
                    self.timers.arm(Due::Readvertise, now.saturating_add(NEWCOMERS));
                }
                Notification::Idle => {
                    self.timers.arm(Due::Seeds, now.saturating_add(self.timing.seed_period));
                }
                Notification::Defunct if !self.left => {
                    self.declared_down = true;
                    self.timers.arm(Due::Renew, self.pace.next(now));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, to: SocketAddr, message: &Message<'_>) {
        let datagram = message.encode().ok();
        let datagram = datagram.and_then(|bytes| self.envelope.seal(&bytes, &*self.random));
        match datagram {
            Some(datagram) if self.outgoing.len() < OUTGOING_MAX => {
                self.outgoing.push_back((to, datagram));
            }
            _ => self.counters.unsent += 1,
        }
    }

    fn node(&self) -> NodeId {
        self.detector.identity().node
    }

    fn fault(&mut self, result: Result<(), foca::Error>) {
        if let Err(error) = result {
            self.counters.faults += 1;
            tracing::debug!(%error, "the failure detector stumbled");
        }
    }
}
