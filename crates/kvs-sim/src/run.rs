//! One simulation, from forming to the checks.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kvs_rng::replica::Condition;
use turmoil::Sim;

use crate::alone::alone;
use crate::check::{self, Violation};
use crate::draw::Draw;
use crate::host;
use crate::net::address_of;
use crate::replicas::Replicas;
use crate::scenario::{DURATION_MS, Fault, LATENCY_MS, Scenario};
use crate::world::{Phase, World};

/// The grain of simulated time.
const TICK: Duration = Duration::from_millis(4);
/// How long a cluster may take to form.
const FORMING_MS: u64 = 60_000;
/// How long writes are held back after a node has joined.
const HELD_MS: u64 = 2_100;
/// How long nodes have to find each other again and to replay hints.
const HEALING_MS: u64 = 11_000;
/// How long one round of reading may take.
const READING_MS: u64 = 60_000;
/// Rounds of reading: what one round mends the next one reads.
const ROUNDS: u64 = 3;
/// How long repairs of a round go on.
const REPAIR_MS: u64 = 1_000;
/// How often disks are synced that don't sync each write.
const SYNC_MS: u64 = 1_000;

/// What came of a simulation.
#[derive(Debug)]
pub struct Run {
    /// What it was.
    pub scenario: Scenario,
    /// A hash of all that clients have seen: equal for equal runs.
    pub hash: u64,
    /// The operations of clients, and how many of them were done, not applied, and unknown.
    pub counts: Counts,
    /// The same of calls of entities.
    pub calls: Counts,
    /// What was wrong; empty if nothing was.
    pub violations: Vec<Violation>,
    /// All that happened.
    pub world: World,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All operations.
    pub operations: usize,
    /// Writes that were acknowledged, and reads that were answered.
    pub done: usize,
    /// Operations that failed and changed nothing.
    pub not_applied: usize,
    /// Writes of unknown outcome.
    pub unknown: usize,
}

/// Runs a scenario; waits for others in this process to end.
pub fn run(scenario: Scenario) -> Run {
    let _alone = alone();
    let world = World::new(scenario.clone());
    let mut violations = Driver::new(world.clone()).run().err().into_iter().collect::<Vec<_>>();
    if violations.is_empty() {
        violations = check::all(&world);
    }
    let hash = world.hash();
    Run { scenario, hash, counts: count(&world), calls: count_calls(&world), violations, world }
}

fn count(world: &World) -> Counts {
    use crate::history::Outcome;
    let mut counts = Counts::default();
    for operation in world.history.operations() {
        counts.operations += 1;
        match operation.outcome {
            Outcome::Done | Outcome::Found(_) => counts.done += 1,
            Outcome::NotApplied => counts.not_applied += 1,
            Outcome::Unknown => counts.unknown += 1,
        }
    }
    counts
}

fn count_calls(world: &World) -> Counts {
    use kvs_check::history::Outcome;
    let mut counts = Counts::default();
    for call in world.calls.all() {
        counts.operations += 1;
        match call.outcome().0 {
            Outcome::Ok(_) => counts.done += 1,
            Outcome::NotApplied => counts.not_applied += 1,
            Outcome::Unknown => counts.unknown += 1,
        }
    }
    counts
}

struct Driver<'a> {
    sim: Sim<'a>,
    world: World,
    draw: Draw,
    down: Vec<bool>,
    synced_ms: u64,
}

impl Driver<'_> {
    fn new(world: World) -> Self {
        let mut sim = turmoil::Builder::new()
            .rng_seed(world.scenario.seed)
            .epoch(std::time::UNIX_EPOCH)
            .simulation_duration(Duration::MAX)
            .tick_duration(TICK)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(LATENCY_MS))
            .tcp_capacity(1 << 12)
            .udp_capacity(1 << 12)
            .enable_random_order()
            .build();
        for index in 0..world.scenario.nodes {
            let of_host = world.clone();
            sim.host(address_of(index), move || host::run(of_host.clone(), index));
        }
        let draw = Draw::new(world.scenario.seed, "driver");
        Self { sim, draw, down: vec![false; world.scenario.nodes], world, synced_ms: 0 }
    }

    fn run(mut self) -> Result<(), Violation> {
        let nodes = self.world.scenario.nodes;
        self.form()?;
        // Nodes that were asked whether they are empty take no writes for a moment.
        let formed = self.world.time.ms();
        self.until_ms(formed + HELD_MS)?;

        self.world.enter(Phase::Working);
        let start = self.world.time.ms();
        for (at, fault) in self.world.scenario.faults.clone() {
            if at < DURATION_MS {
                self.until_ms(start + at)?;
                self.apply(fault);
            }
        }
        self.until_ms(start + DURATION_MS)?;

        self.world.enter(Phase::Healing);
        self.heal();
        self.until_ms(start + DURATION_MS + HEALING_MS)?;

        for round in 1..=ROUNDS {
            self.world.enter(Phase::Reading(round));
            self.until("some node did not finish reading", READING_MS, |world| {
                let reports = world.reports();
                reports.len() == nodes && reports.values().all(|report| report.read == round)
            })?;
            let now = self.world.time.ms();
            self.until_ms(now + REPAIR_MS)?;
            if round > 1 && Replicas::of(&self.world).differences().is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Waits until all nodes have a layout with all of them.
    fn form(&mut self) -> Result<(), Violation> {
        let nodes = self.world.scenario.nodes;
        self.until("the cluster did not form", FORMING_MS, |world| {
            let reports = world.reports();
            reports.len() == nodes
                && reports.values().all(|report| report.layout.members().len() == nodes)
        })
    }

    fn until_ms(&mut self, ms: u64) -> Result<(), Violation> {
        while self.world.time.ms() < ms {
            self.step()?;
        }
        Ok(())
    }

    fn until(
        &mut self,
        problem: &str,
        ms_max: u64,
        is_done: impl Fn(&World) -> bool,
    ) -> Result<(), Violation> {
        let until = self.world.time.ms() + ms_max;
        while !is_done(&self.world) {
            if self.world.time.ms() > until {
                return Err(Violation::new("progress", None, format!("{problem} in {ms_max} ms")));
            }
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.world.time.set(self.sim.elapsed());
        if self.world.time.ms() >= self.synced_ms + SYNC_MS {
            self.synced_ms = self.world.time.ms();
            self.world.machines.iter().for_each(|machine| machine.disk.sync_all());
        }
        let step = self.sim.step();
        step.map(drop).map_err(|error| Violation::new("start", None, error.to_string()))
    }

    fn apply(&mut self, fault: Fault) {
        tracing::info!(ms = self.world.time.ms(), ?fault, "fault");
        let links = self.world.links.clone();
        match fault {
            Fault::Kill(node) => self.stop(node, false),
            Fault::PowerLoss(node) => self.stop(node, true),
            Fault::Wipe(node) => {
                self.stop(node, false);
                if let Some(machine) = self.world.machines.get(node) {
                    machine.disk.wipe();
                    machine.wiped.store(true, Ordering::SeqCst);
                }
            }
            Fault::Start(node) => self.start(node),
            Fault::Cut(a, b) => links.cut(address_of(a), address_of(b)),
            Fault::Mend(a, b) => links.mend(address_of(a), address_of(b)),
            Fault::Break(a, b) => links.break_streams(address_of(a), address_of(b)),
            Fault::Slow(a, b, ms) => self.sim.set_link_max_message_latency(
                address_of(a),
                address_of(b),
                Duration::from_millis(ms),
            ),
            Fault::Clock(node, ahead_ms) => {
                if let Some(machine) = self.world.machines.get(node) {
                    machine.clock.set_offset(ahead_ms);
                }
            }
            Fault::Noise(percent) => self.world.noise.set(percent),
        }
    }

    /// Ends a node's process. With its power nobody is told, and what is not synced may be lost.
    fn stop(&mut self, node: usize, loses_power: bool) {
        let Some(down) = self.down.get_mut(node) else { return };
        if std::mem::replace(down, true) {
            return;
        }
        let here = address_of(node);
        if loses_power {
            self.others(node).for_each(|there| self.sim.partition(here, there));
        }
        self.sim.crash(here);
        self.world.forget(node);
        if let Some(machine) = self.world.machines.get(node)
            && loses_power
        {
            // Often all of them, else some.
            let some = self.draw.index(machine.disk.unsynced() + 1);
            let kept = if self.draw.chance(50) { 0 } else { some };
            let lost = machine.disk.lose_power(kept);
            machine.boots.fetch_add(1, Ordering::SeqCst);
            tracing::info!(node, kept, lost, "power lost");
        } else {
            self.world.links.set_down(here, true);
        }
    }

    fn start(&mut self, node: usize) {
        let Some(down) = self.down.get_mut(node) else { return };
        if !std::mem::replace(down, false) {
            return;
        }
        let here = address_of(node);
        self.others(node).for_each(|there| self.sim.repair(here, there));
        self.world.links.set_down(here, false);
        self.sim.bounce(here);
    }

    fn others(&self, node: usize) -> impl Iterator<Item = IpAddr> + use<> {
        (0..self.world.scenario.nodes).filter(move |other| *other != node).map(address_of)
    }

    /// Ends all faults.
    fn heal(&mut self) {
        let nodes = self.world.scenario.nodes;
        self.apply(Fault::Noise(0));
        for a in 0..nodes {
            self.apply(Fault::Clock(a, 0));
            self.apply(Fault::Start(a));
            for b in (0..nodes).filter(|b| *b != a) {
                self.apply(Fault::Mend(a, b));
                self.apply(Fault::Slow(a, b, LATENCY_MS));
            }
        }
    }
}

/// Whether a node can answer for what it holds.
pub(crate) fn answers(condition: Condition) -> bool {
    condition == Condition::Clean
}
