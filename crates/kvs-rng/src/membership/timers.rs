//! What has to happen later.

use std::collections::BTreeMap;
use std::time::Duration;

use foca::Timer;

use super::identity::Identity;
use crate::identity::NodeId;

/// Something that has to happen at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// An event of the failure detector.
    Detector(Timer<Identity>),
    /// Look for the seeds.
    Seeds,
    /// Come back under a new identity.
    Renew,
    /// Say again what was advertised.
    Readvertise,
}

/// Of each of these at most one is armed, so that timers are bounded by the number of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    // In the order in which the detector wants what is due at one time.
    IndirectProbe,
    Probe,
    Down(NodeId),
    Announce,
    Gossip,
    Forget(NodeId),
    AnnounceDown,
    Seeds,
    Renew,
    Readvertise,
}

impl Due {
    fn slot(&self) -> Slot {
        match self {
            Self::Detector(timer) => match timer {
                Timer::SendIndirectProbe { .. } => Slot::IndirectProbe,
                Timer::ProbeRandomMember(_) => Slot::Probe,
                Timer::ChangeSuspectToDown { member_id, .. } => Slot::Down(member_id.node),
                Timer::PeriodicAnnounce(_) => Slot::Announce,
                Timer::PeriodicGossip(_) => Slot::Gossip,
                Timer::RemoveDown(member) => Slot::Forget(member.node),
                Timer::PeriodicAnnounceDown(_) => Slot::AnnounceDown,
            },
            Self::Seeds => Slot::Seeds,
            Self::Renew => Slot::Renew,
            Self::Readvertise => Slot::Readvertise,
        }
    }
}

/// Armed timers.
///
/// The detector's timers carry a token or an identity, and it ignores those that became stale. Hence
/// a new timer may take the place of another one in its slot: the older could no longer matter.
#[derive(Default)]
pub(super) struct Timers {
    armed: BTreeMap<Slot, (Duration, Due)>,
}

impl Timers {
    /// Lets `due` happen at the time `at`. If the very same is armed already, the earlier time
    /// counts: a suspect that fails another probe must not get more time.
    pub(super) fn arm(&mut self, due: Due, at: Duration) {
        let slot = due.slot();
        match self.armed.get_mut(&slot) {
            Some((time, armed)) if *armed == due => *time = at.min(*time),
            _ => drop(self.armed.insert(slot, (at, due))),
        }
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.armed.values().map(|(at, _)| *at).min()
    }

    /// Takes out what is due first, if it is due by `now`.
    pub(super) fn pop(&mut self, now: Duration) -> Option<Due> {
        let first = self.armed.iter().map(|(slot, (at, _))| (*at, *slot)).min();
        let (at, slot) = first?;
        if at > now {
            return None;
        }
        self.armed.remove(&slot).map(|(_, due)| due)
    }

    /// Nothing is to happen any more.
    pub(super) fn clear(&mut self) {
        self.armed.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::identity::Incarnation;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn suspect(node: u8, incarnation: u16) -> Due {
        let member_id = Identity {
            node: NodeId::from_bytes([node; 16]),
            incarnation: Incarnation(1),
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            renewals: 0,
        };
        Due::Detector(Timer::ChangeSuspectToDown { member_id, incarnation, token: 1 })
    }

    #[test]
    fn timers_come_in_order_and_not_before_their_time() {
        let mut timers = Timers::default();
        timers.arm(Due::Renew, ms(20));
        timers.arm(Due::Seeds, ms(10));
        timers.arm(suspect(1, 0), ms(30));
        assert_eq!(timers.next(), Some(ms(10)));
        assert_eq!(timers.pop(ms(9)), None);
        assert_eq!(timers.pop(ms(25)), Some(Due::Seeds));
        assert_eq!(timers.pop(ms(25)), Some(Due::Renew));
        assert_eq!(timers.pop(ms(25)), None);
        assert_eq!(timers.pop(ms(30)), Some(suspect(1, 0)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_same_timer_keeps_its_time_and_another_takes_its_place() {
        let mut timers = Timers::default();
        timers.arm(suspect(1, 0), ms(10));
        timers.arm(suspect(1, 0), ms(20));
        timers.arm(suspect(2, 0), ms(15));
        assert_eq!(timers.next(), Some(ms(10)));
        timers.arm(suspect(1, 1), ms(40));
        assert_eq!(timers.pop(ms(30)), Some(suspect(2, 0)));
        assert_eq!(timers.pop(ms(30)), None);
        assert_eq!(timers.pop(ms(40)), Some(suspect(1, 1)));
    }
}
