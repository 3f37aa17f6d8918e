//! What may happen.

use std::time::Duration;

use crate::identity::{Incarnation, NodeId};
use crate::log::core::{Action, Changes, Core, Event, Message, Role};

use super::node::Disk;
use super::{Envelope, History, Node, Setting, Value, World};

/// How often each thing may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Take-overs.
    pub take_overs: u8,
    /// Commands.
    pub submits: u8,
    /// Reads.
    pub confirms: u8,
    /// A process dies, and is started again.
    pub crashes: u8,
    /// A request is given up and sent again, or what is committed is told.
    pub ticks: u8,
    /// Owners that give up by themselves.
    pub step_downs: u8,
    /// A node loses power, and is started again.
    pub power_losses: u8,
    /// A node comes back with an empty disk.
    pub wipes: u8,
    /// Owners trim what others may need.
    pub trims: u8,
    /// Time passes: a third of a lease.
    pub passes: u8,
}

/// Something that may happen next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A message comes.
    Deliver(Envelope),
    /// The oldest write of the node reaches its disk.
    Write(NodeId),
    /// The node is to own the bucket.
    TakeOver(NodeId),
    /// A command at the node, which serves.
    Submit(NodeId),
    /// A read at the node, which serves.
    Confirm(NodeId),
    /// The node's request to the other is given up and sent again, or what is committed is told.
    Tick(NodeId, NodeId),
    /// The node stops to own the bucket.
    StepDown(NodeId),
    /// The node's process dies, and is started again with what is on disk.
    Crash(NodeId),
    /// The node loses power, and is started again with what was synced.
    LosePower(NodeId),
    /// The node comes back with an empty disk.
    Wipe(NodeId),
    /// The owner trims all that is committed.
    Trim(NodeId),
    /// Some time passes.
    Pass,
    /// The layout goes on to its next stage.
    Advance,
    /// The node hears of the newest stage.
    Learn(NodeId),
}

impl World {
    /// How it begins.
    pub fn new(setting: &Setting) -> Self {
        let mut world = Self {
            nodes: std::collections::BTreeMap::new(),
            network: std::collections::BTreeSet::new(),
            snapshots: std::collections::BTreeMap::new(),
            stage: 0,
            settled: 0,
            time: Duration::ZERO,
            left: setting.bounds,
            history: History::default(),
        };
        for id in &setting.nodes {
            let disk = Disk::default();
            if let Some(node) = start(setting, *id, Incarnation(1), disk, 0, Duration::ZERO) {
                world.nodes.insert(*id, node);
            }
        }
        let linked = Setting { links: Vec::new(), ..setting.clone() };
        for (owner, replica) in &setting.prelude {
            world.tell(&linked, *owner, Event::TakeOver);
            world.exchange(&linked, |it| matches!(it, Message::Prepare { .. }), *replica);
            world.exchange(&linked, |it| matches!(it, Message::Promised { .. }), *owner);
            world.network.clear();
        }
        world
    }

    /// Delivers what of some kind was sent to `to`.
    fn exchange(&mut self, setting: &Setting, kind: fn(&Message<Value>) -> bool, to: NodeId) {
        let sent: Vec<_> = self.network.iter().cloned().collect();
        for envelope in sent.into_iter().filter(|it| it.to == to && kind(&it.message)) {
            self.take(setting, Step::Deliver(envelope));
        }
    }

    /// All that may happen next.
    pub fn steps(&self, setting: &Setting, steps: &mut Vec<Step>) {
        let left = &self.left;
        let present = |id: &NodeId| self.nodes.get(id).is_some_and(|node| !node.is_gone);
        steps.extend(self.network.iter().filter(|it| present(&it.to)).cloned().map(Step::Deliver));
        let last = self.stage + 1 >= setting.stages.len();
        let layout = setting.stages.get(self.stage).map_or(0, |stage| stage.layout);
        if !last && (self.stage == 0 || self.settled >= layout) {
            steps.push(Step::Advance);
        }
        if left.passes > 0 {
            steps.push(Step::Pass);
        }
        for (id, node) in self.nodes.iter().filter(|(_, node)| !node.is_gone) {
            let id = *id;
            let serves = node.core.serving().is_some();
            let owns = matches!(node.core.role, Role::Owner(_));
            let fails = setting.faulty.is_none_or(|faulty| faulty == id);
            let hears = setting.informed.is_empty() || setting.informed.contains(&id);
            let mut may = |is_allowed: bool, step: Step| {
                if is_allowed {
                    steps.push(step);
                }
            };
            may(!node.unwritten.is_empty(), Step::Write(id));
            may(hears && node.stage < self.stage, Step::Learn(id));
            may(
                self.is_next_owner(setting, id) && node.core.voters().votes(id),
                Step::TakeOver(id),
            );
            may(left.submits > 0 && serves, Step::Submit(id));
            may(left.confirms > 0 && serves, Step::Confirm(id));
            may(left.step_downs > 0 && owns, Step::StepDown(id));
            may(
                left.trims > 0 && owns && node.core.log.commit > node.core.log.floor.seq,
                Step::Trim(id),
            );
            may(fails && left.crashes > 0, Step::Crash(id));
            may(fails && left.power_losses > 0 && node.disk != node.synced, Step::LosePower(id));
            may(fails && left.wipes > 0 && node.disk != Disk::default(), Step::Wipe(id));
            for peer in node.core.outstanding().into_iter().filter(|_| left.ticks > 0) {
                steps.push(Step::Tick(id, peer));
            }
        }
    }

    fn is_next_owner(&self, setting: &Setting, id: NodeId) -> bool {
        let index = setting.bounds.take_overs.saturating_sub(self.left.take_overs);
        let next = setting.owners.get(usize::from(index));
        self.left.take_overs > 0 && next.is_none_or(|next| *next == id)
    }

    /// Makes `step` happen.
    pub fn take(&mut self, setting: &Setting, step: Step) {
        match step {
            Step::Deliver(envelope) => {
                if !setting.repeats {
                    self.network.remove(&envelope);
                }
                let Envelope { from, to, message } = envelope;
                self.tell(setting, to, Event::Message { from, message });
            }
            Step::Write(id) => self.write(setting, id),
            Step::TakeOver(id) => {
                self.left.take_overs = self.left.take_overs.saturating_sub(1);
                self.tell(setting, id, Event::TakeOver);
            }
            Step::Submit(id) => {
                let ticket = self.left.submits;
                self.left.submits = ticket.saturating_sub(1);
                let payloads = vec![Value(ticket)];
                self.tell(setting, id, Event::Submit { ticket: u64::from(ticket), payloads });
            }
            Step::Confirm(id) => {
                let ticket = 1000 + u64::from(self.left.confirms);
                self.left.confirms = self.left.confirms.saturating_sub(1);
                self.history.reads(ticket);
                self.tell(setting, id, Event::Confirm { ticket, upto: 0 });
            }
            Step::Tick(id, to) => {
                self.left.ticks = self.left.ticks.saturating_sub(1);
                self.tell(setting, id, Event::Unanswered { to });
                self.tell(setting, id, Event::Tick);
            }
            Step::StepDown(id) => {
                self.left.step_downs = self.left.step_downs.saturating_sub(1);
                self.tell(setting, id, Event::StepDown);
            }
            Step::Trim(id) => {
                self.left.trims = self.left.trims.saturating_sub(1);
                self.tell(setting, id, Event::Trim);
            }
            Step::Crash(id) => {
                self.left.crashes = self.left.crashes.saturating_sub(1);
                self.restart(setting, id, |node| node.disk);
            }
            Step::LosePower(id) => {
                self.left.power_losses = self.left.power_losses.saturating_sub(1);
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.is_unclean = setting.rules.doubts;
                }
                self.restart(setting, id, |node| node.synced);
            }
            Step::Wipe(id) => {
                self.left.wipes = self.left.wipes.saturating_sub(1);
                self.restart(setting, id, |_| Disk::default());
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.is_gone = setting.rules.new_identity;
                }
            }
            Step::Pass => {
                self.left.passes = self.left.passes.saturating_sub(1);
                self.time += setting.limits.lease / 3;
            }
            Step::Advance => self.stage += 1,
            Step::Learn(id) => {
                let Some(voters) = setting.stages.get(self.stage).cloned() else { return };
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.stage = self.stage;
                }
                self.tell(setting, id, Event::Voters(voters));
            }
        }
    }

    fn restart(&mut self, setting: &Setting, id: NodeId, disk: impl Fn(Node) -> Disk) {
        let Some(node) = self.nodes.get(&id).cloned() else { return };
        let incarnation = Incarnation(node.incarnation.0 + 1);
        let (stage, is_unclean) = (node.stage, node.is_unclean);
        let bound = match setting.rules.leases_outlast_starts {
            true => self.time + setting.limits.lease,
            false => Duration::ZERO,
        };
        if let Some(mut node) = start(setting, id, incarnation, disk(node), stage, bound) {
            node.is_unclean = is_unclean;
            self.nodes.insert(id, node);
        }
        if is_unclean {
            self.tell(setting, id, Event::Doubt);
        }
    }

    /// Tells `id` of `event`, does what it wants done, and judges that.
    fn tell(&mut self, setting: &Setting, id: NodeId, event: Event<Value>) {
        let mut actions = Vec::new();
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.core.handle(Event::Time(self.time), &mut actions);
        node.core.handle(event, &mut actions);
        // What was made durable and what was committed is judged with what is answered.
        for action in &actions {
            if let Action::Persist { number, changes, sync } = action {
                let snapshot = changes.install.and_then(|it| self.snapshots.get(&it.position));
                node.view.apply_but_trim(changes, snapshot);
                self.history.learn(&node.view.log);
                node.view.apply(&Changes { trim: changes.trim, ..Changes::default() }, None);
                node.unwritten.push_back((*number, changes.clone(), *sync));
            }
        }
        self.judge(id);
        for action in actions {
            self.act(setting, id, action);
        }
        while setting.writes_at_once
            && self.nodes.get(&id).is_some_and(|it| !it.unwritten.is_empty())
        {
            self.write(setting, id);
        }
    }

    /// The oldest write of `id` reaches its disk.
    fn write(&mut self, setting: &Setting, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let Some((number, changes, sync)) = node.unwritten.pop_front() else { return };
        let snapshot = changes.install.and_then(|it| self.snapshots.get(&it.position));
        node.disk.apply(&changes, snapshot);
        if changes.doubt.is_some() {
            node.is_unclean = false;
        }
        if sync || setting.bounds.power_losses == 0 {
            node.synced = node.disk.clone();
        }
        self.tell(setting, id, Event::Persisted { upto: number });
    }

    fn act(&mut self, setting: &Setting, id: NodeId, action: Action<Value>) {
        match action {
            Action::Send { to, message } => {
                self.send(setting, Envelope { from: id, to, message });
            }
            Action::Page { to, epoch, layout, position, page } => {
                if let Some(node) = self.nodes.get(&id).filter(|_| page == 0) {
                    let rows = node.rows().iter().filter(|row| row.seq <= position.seq);
                    self.snapshots.insert(position, rows.copied().collect());
                }
                let last = page + 1 >= setting.pages;
                let message = Message::Install { epoch, layout, position, page, last };
                self.send(setting, Envelope { from: id, to, message });
            }
            Action::Serving { .. } => {
                if let Some(node) = self.nodes.get(&id) {
                    self.history.serves(node);
                }
            }
            Action::Done { ticket, position } => self.history.done(ticket, position),
            Action::Lost { ticket, outcome } => self.history.lost(ticket, outcome),
            Action::Confirmed { ticket, commit } => self.history.confirmed(ticket, commit),
            Action::Persist { .. }
            | Action::Deposed { .. }
            | Action::Behind { .. }
            | Action::Outdated { .. } => {}
        }
    }

    fn send(&mut self, setting: &Setting, envelope: Envelope) {
        let is_refusal = matches!(envelope.message, Message::Refused { .. });
        if setting.reaches(envelope.from, envelope.to) && (setting.refusals || !is_refusal) {
            self.network.insert(envelope);
        }
    }

    fn judge(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        self.settled = self.settled.max(node.core.settled().unwrap_or(0));
        self.history.look(node);
        for (_, other) in self.nodes.iter().filter(|(other, _)| **other != id) {
            self.history.compare(node, other);
        }
    }
}

/// A node that starts with `disk`.
fn start(
    setting: &Setting,
    id: NodeId,
    incarnation: Incarnation,
    disk: Disk,
    stage: usize,
    bound: Duration,
) -> Option<Node> {
    let voters = setting.stages.get(stage)?.clone();
    let core = Core::new(id, incarnation, disk.log.clone(), voters)
        .with_rules(setting.rules)
        .with_limits(setting.limits)
        .bound_until(bound);
    let (view, synced) = (disk.clone(), disk.clone());
    let unwritten = std::collections::VecDeque::new();
    Some(Node {
        core,
        incarnation,
        view,
        disk,
        synced,
        unwritten,
        stage,
        is_unclean: false,
        is_gone: false,
    })
}
