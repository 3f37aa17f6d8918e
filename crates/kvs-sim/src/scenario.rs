//! What happens to a cluster: drawn from the seed before the simulation begins.

use kvs_rng::layout::Quorum;

use crate::draw::Draw;

/// How long clients work and faults happen.
pub const DURATION_MS: u64 = 16_000;

/// Fewest and most nodes of a cluster.
pub const NODES: std::ops::RangeInclusive<usize> = 3..=7;

/// A fault, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends; what it has written stays.
    Kill(usize),
    /// The machine loses power: all but some of the writes that were not synced are lost.
    PowerLoss(usize),
    /// The process ends, and everything on the machine's disk is lost.
    Wipe(usize),
    /// A node that has ended starts again.
    Start(usize),
    /// Nothing comes from the first node to the second any more.
    Cut(usize, usize),
    /// It does again.
    Mend(usize, usize),
    /// All streams between two nodes break.
    Break(usize, usize),
    /// Messages between two nodes take up to so many milliseconds.
    Slow(usize, usize, u64),
    /// A node's system clock is so many milliseconds ahead from now on.
    Clock(usize, i64),
    /// So many of a hundred datagrams are lost.
    Noise(u64),
}

/// A cluster, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it was drawn from.
    pub seed: u64,
    /// How many nodes there are.
    pub nodes: usize,
    /// Replicas, and how many of them a write and a read need.
    pub quorum: Quorum,
    /// Whether each write is synced before it is acknowledged.
    pub durable: bool,
    /// Clients at each node.
    pub clients: usize,
    /// Whether there are clients of entities, too.
    pub entities: bool,
    /// What happens how many milliseconds after the clients have begun, in that order.
    pub faults: Vec<(u64, Fault)>,
}

/// Messages take at most so many milliseconds on a link that is well.
pub const LATENCY_MS: u64 = 12;
const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

impl Scenario {
    /// The scenario of a seed; with `nodes` nodes if given.
    pub fn new(seed: u64, nodes: Option<usize>) -> Self {
        let draw = Draw::new(seed, "scenario");
        let drawn = draw.between(*NODES.start() as u64, *NODES.end() as u64);
        let nodes = nodes.unwrap_or(usize::try_from(drawn).unwrap_or(3));
        let quorum = quorum(&draw, nodes);
        let durable = draw.chance(50);
        let clients = if nodes > 4 { 1 } else { usize::try_from(draw.between(1, 2)).unwrap_or(1) };
        let mut plan = Plan {
            draw,
            nodes,
            down_max: nodes.min(usize::from(quorum.n)) - usize::from(quorum.w.max(quorum.r)),
            // The one node that may forget must not be needed for every read.
            may_forget: durable || quorum.r < quorum.n,
            may_wipe: quorum.r < quorum.n,
            durable,
            down: vec![0; nodes],
            faults: Vec::new(),
        };
        plan.draw();
        plan.faults.sort_by_key(|(at, _)| *at);
        Self { seed, nodes, quorum, durable, clients, entities: true, faults: plan.faults }
    }

    /// The same with clients of records only.
    pub fn without_entities(self) -> Self {
        Self { entities: false, ..self }
    }
}

fn quorum(draw: &Draw, nodes: usize) -> Quorum {
    let quorum = |n, w, r| Quorum { n, w, r };
    match draw.below(10) {
        0 => quorum(3, 3, 2),
        1 => quorum(3, 2, 3),
        2 if nodes >= 4 => quorum(4, 3, 2),
        3 | 4 if nodes >= 5 => quorum(5, 3, 3),
        _ => quorum(3, 2, 2),
    }
}

struct Plan {
    draw: Draw,
    nodes: usize,
    /// How many nodes may be down at once; now and then one more is.
    down_max: usize,
    may_forget: bool,
    may_wipe: bool,
    durable: bool,
    /// Until when each node is down.
    down: Vec<u64>,
    faults: Vec<(u64, Fault)>,
}

impl Plan {
    fn draw(&mut self) {
        if self.may_wipe && self.draw.chance(30) {
            self.wipe();
        } else if self.may_forget && !self.durable && self.draw.chance(60) {
            self.forget();
        }
        let mut now = self.draw.between(200, 2000);
        while now < DURATION_MS {
            self.fault(now);
            now += self.draw.between(50, 1800);
        }
    }

    fn fault(&mut self, now: u64) {
        let (a, b) = self.two();
        let until = now + self.draw.between(100, 6000);
        match self.draw.below(9) {
            0 | 1 => self.crash(now, until, a),
            2 => self.both(now, until, Fault::Cut(a, b), Fault::Mend(a, b)),
            3 => self.isolate(now, until),
            4 => self.faults.push((now, Fault::Break(a, b))),
            5 => {
                let ms = self.draw.between(30, 800);
                self.both(now, until, Fault::Slow(a, b, ms), Fault::Slow(a, b, LATENCY_MS));
            }
            6 => {
                let percent = self.draw.between(5, 40);
                self.both(now, until, Fault::Noise(percent), Fault::Noise(0));
            }
            _ => {
                let ahead = self.ahead_ms();
                self.both(now, until, Fault::Clock(a, ahead), Fault::Clock(a, 0));
            }
        }
    }

    /// Two nodes.
    fn two(&self) -> (usize, usize) {
        let a = self.draw.index(self.nodes);
        let b = (a + 1 + self.draw.index(self.nodes - 1)) % self.nodes;
        (a, b)
    }

    fn both(&mut self, now: u64, until: u64, begin: Fault, end: Fault) {
        self.faults.extend([(now, begin), (until, end)]);
    }

    fn crash(&mut self, now: u64, until: u64, node: usize) {
        let down = self.down.iter().filter(|until| **until >= now).count();
        let more = usize::from(self.draw.chance(15));
        if down >= self.down_max.max(1) + more {
            return;
        }
        let loses_power = self.draw.chance(40) && (self.durable || self.may_forget);
        if let Some(down) = self.down.get_mut(node)
            && *down < now
        {
            *down = until;
            // Of nodes that may forget acknowledged writes there must be fewer than hold each.
            self.may_forget &= !loses_power || self.durable;
            let fault = if loses_power { Fault::PowerLoss(node) } else { Fault::Kill(node) };
            self.both(now, until, fault, Fault::Start(node));
        }
    }

    /// A node loses its disk, and comes back with an empty one. No other one forgets anything then.
    ///
    /// Often it is then alone for a while with one that has missed what was written before, as far as
    /// the others can do without both in the meantime: the two must not answer that there was nothing.
    fn wipe(&mut self) {
        self.may_forget = false;
        let (wiped, missing) = self.two();
        let at = self.draw.between(1000, DURATION_MS / 2);
        let until = at + self.draw.between(1, 1500);
        if self.nodes >= 5 && self.draw.chance(70) {
            let alone_at = until + self.draw.between(2500, 4500);
            let end = alone_at + self.draw.between(1500, 3000);
            self.part(at - self.draw.between(300, 1000), alone_at, wiped, missing);
            for other in (0..self.nodes).filter(|other| ![wiped, missing].contains(other)) {
                self.part(at - 300, end, other, missing);
                self.part(alone_at, end, other, wiped);
            }
        }
        self.both(at, until, Fault::Wipe(wiped), Fault::Start(wiped));
        if let Some(down) = self.down.get_mut(wiped) {
            *down = until;
        }
    }

    /// A node loses power, and what it forgets is just what another one has missed. Then these two are
    /// alone with each other for a while: they must not answer that there was nothing.
    fn forget(&mut self) {
        self.may_forget = false;
        let (forgetful, missing) = self.two();
        let power_at = self.draw.between(1500, DURATION_MS / 2);
        let cut_at = power_at - self.draw.between(300, 1000);
        let end = power_at + self.draw.between(1500, 4000);
        self.part(cut_at, power_at, forgetful, missing);
        for other in (0..self.nodes).filter(|other| ![forgetful, missing].contains(other)) {
            self.part(cut_at, end, other, missing);
            self.part(power_at, end, other, forgetful);
        }
        let until = power_at + self.draw.between(1, 300);
        self.both(power_at, until, Fault::PowerLoss(forgetful), Fault::Start(forgetful));
        if let Some(down) = self.down.get_mut(forgetful) {
            *down = until;
        }
    }

    /// Cuts both directions between two nodes.
    fn part(&mut self, now: u64, until: u64, a: usize, b: usize) {
        self.both(now, until, Fault::Cut(a, b), Fault::Mend(a, b));
        self.both(now, until, Fault::Cut(b, a), Fault::Mend(b, a));
    }

    /// Cuts a group of nodes off from the others, in one direction or in both.
    fn isolate(&mut self, now: u64, until: u64) {
        let members: Vec<bool> = (0..self.nodes).map(|_| self.draw.chance(40)).collect();
        let way = self.draw.below(3);
        for (a, inside) in members.iter().enumerate() {
            for (b, also) in members.iter().enumerate() {
                let is_cut = match way {
                    0 => *inside && !*also,
                    1 => !*inside && *also,
                    _ => inside != also,
                };
                if is_cut {
                    self.both(now, until, Fault::Cut(a, b), Fault::Mend(a, b));
                }
            }
        }
    }

    fn ahead_ms(&self) -> i64 {
        let up_to = |ms: u64| i64::try_from(self.draw.between(1, ms)).unwrap_or(1);
        match self.draw.below(6) {
            0 => YEAR_MS,
            1 => -YEAR_MS,
            2 => up_to(50_000),
            3 => -up_to(50_000),
            4 => up_to(500),
            _ => -up_to(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_keep_the_rules() {
        for seed in 0..500 {
            let scenario = Scenario::new(seed, None);
            assert_eq!(scenario, Scenario::new(seed, None));
            assert!(NODES.contains(&scenario.nodes));
            assert!(usize::from(scenario.quorum.n) <= scenario.nodes);
            assert_eq!(scenario.quorum.check(false), Ok(()));
            assert!(scenario.faults.is_sorted_by_key(|(at, _)| *at));
            let forget = |(_, fault): &&(u64, Fault)| matches!(fault, Fault::PowerLoss(_));
            let forgetful = scenario.faults.iter().filter(forget).count();
            let wiped = |(_, fault): &&(u64, Fault)| matches!(fault, Fault::Wipe(_));
            let wiped = scenario.faults.iter().filter(wiped).count();
            assert!(wiped <= 1 && (scenario.durable || forgetful + wiped <= 1));
        }
    }
}
