//! Leases: reads at the owner without a round.
//!
//! A round shows that nobody else owned the bucket when it began. A *lease* says so ahead of time: a
//! replica that grants one promises to promise nobody else the bucket for a while (Gray and Cheriton,
//! *Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency*, 1989). Who has
//! the leases of a majority, itself among them, is the only owner until they run out: any other needs
//! the promise of one that has granted, or its own, with which it would cease to be the owner.
//!
//! It is the one thing here that rests on time: not on what clocks show, but on how fast they run. The
//! owner counts a lease from when it asked for it, the replica from when it granted it, which is later;
//! and the owner takes a tenth less than it was granted, for clocks that run apart.
//!
//! Each replica says for how long it grants, and may grant nothing at all. So it makes no difference to
//! safety whether all nodes are set to the same.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Action, Core, Message, Role};
use crate::identity::NodeId;
use crate::log::entry::{Epoch, Payload};

/// Of a lease the owner gives up one part in so many, for clocks that run at different speeds.
const DRIFT: u32 = 10;

/// What this node has promised an owner: no other gets a promise before the time has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Granted {
    /// Whose it is; no owner's: nobody is promised anything.
    epoch: Epoch,
    until: Duration,
}

/// What an owner has been promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Lease {
    /// Counts the times that it asked, and when it did last.
    number: u64,
    asked: Duration,
    /// Until when each of the others grants it, by this node's clock.
    until: BTreeMap<NodeId, Duration>,
}

impl<P: Payload> Core<P> {
    /// The same, right after a start: until this time it may still be bound by leases that it granted
    /// before, and can't know of.
    #[must_use]
    pub fn bound_until(mut self, time: Duration) -> Self {
        self.granted = Granted { epoch: Epoch::none(), until: time };
        self
    }

    /// It is this time.
    pub(super) fn on_time(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// For how long this node must not promise the bucket to `node`, by a lease of another.
    fn bound(&self, node: NodeId) -> Duration {
        let Granted { epoch, until } = self.granted;
        let is_other = epoch.node != node && self.rules.leases;
        if is_other { until.saturating_sub(self.now) } else { Duration::ZERO }
    }

    pub(super) fn is_bound(&self, node: NodeId) -> bool {
        !self.bound(node).is_zero()
    }

    /// Tells `to`, who wants to own the bucket, that it is leased.
    pub(super) fn refuse_leased(&self, to: NodeId, epoch: Epoch, actions: &mut Vec<Action<P>>) {
        let millis = millis(self.bound(to));
        actions.push(Action::Send { to, message: Message::Leased { epoch, millis } });
    }

    /// `from` can't promise the bucket now; it is asked again.
    pub(super) fn on_leased(&mut self, from: NodeId, epoch: Epoch) {
        if let Role::Candidate(candidate) = &mut self.role
            && candidate.epoch == epoch
        {
            candidate.asked.remove(&from);
        }
    }

    /// An owner wants a lease.
    pub(super) fn on_lease(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        layout: u64,
        number: u64,
        actions: &mut Vec<Action<P>>,
    ) {
        let Some(changes) = self.admit(from, epoch, layout, actions) else { return };
        let lease = self.limits.lease;
        if !lease.is_zero() {
            let until = self.granted.until.max(self.now + lease);
            self.granted = Granted { epoch, until };
        }
        self.persist(changes, actions);
        self.answer(from, Message::Granted { epoch, number, millis: millis(lease) }, actions);
    }

    /// `from` has granted a lease.
    pub(super) fn on_granted(&mut self, from: NodeId, epoch: Epoch, number: u64, millis: u64) {
        let Role::Owner(owner) = &mut self.role else { return };
        // An answer to an earlier question would be counted from too late a time.
        if owner.epoch != epoch || owner.lease.number != number {
            return;
        }
        let granted = Duration::from_millis(millis);
        let until = owner.lease.asked + (granted - granted / DRIFT);
        let before = owner.lease.until.entry(from).or_default();
        *before = until.max(*before);
    }

    /// Whether this node, which owns the bucket, is sure to be the only one for as long as `ahead`.
    pub(super) fn has_lease(&self, ahead: Duration) -> bool {
        let Role::Owner(owner) = &self.role else { return false };
        let granted = |node| owner.lease.until.get(&node).is_some_and(|it| self.now + ahead < *it);
        !self.limits.lease.is_zero() && self.is_majority(|node| node == self.me || granted(node))
    }

    /// Asks for leases if there is need of them before long, and nobody has just been asked.
    pub(super) fn ask_lease(&mut self, actions: &mut Vec<Action<P>>) {
        let lease = self.limits.lease;
        if lease.is_zero() || self.has_lease(lease / 2) {
            return;
        }
        let Role::Owner(owner) = &mut self.role else { return };
        if owner.lease.number > 0 && self.now < owner.lease.asked + lease / 4 {
            return;
        }
        owner.lease.number += 1;
        owner.lease.asked = self.now;
        let (epoch, number, layout) = (owner.epoch, owner.lease.number, self.voters.layout);
        for to in self.voters.all().into_iter().filter(|node| *node != self.me) {
            actions.push(Action::Send { to, message: Message::Lease { epoch, layout, number } });
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
