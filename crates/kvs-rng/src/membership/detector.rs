//! The failure detector, and what can be asked of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use foca::{Foca, PostcardCodec};
use kvs_core::env::Random;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use super::advert::{Advert, Adverts};
use super::identity::Identity;
use super::limits::MEMBERS_MAX;
use super::view::{Members, Seen, State};
use crate::identity::NodeId;

/// SWIM. Its choices are random and no secret: a fast generator will do, the same on every machine.
pub(super) type Detector = Foca<Identity, PostcardCodec, Xoshiro256PlusPlus, Adverts>;

/// How many members that are down a lonely node tries at a time.
const LONELY_TRIES: usize = 8;

pub(super) fn detector(
    identity: Identity,
    config: foca::Config,
    adverts: Adverts,
    random: &dyn Random,
) -> Detector {
    let choices = Xoshiro256PlusPlus::seed_from_u64(random.next_u64());
    Foca::with_custom_broadcast(identity, config, choices, PostcardCodec, adverts)
}

/// Whether it remembers as many nodes as it may.
pub(super) fn is_full(detector: &Detector) -> bool {
    detector.iter_membership_state().len() >= MEMBERS_MAX
}

/// Whether it remembers the node, up or down.
pub(super) fn knows(detector: &Detector, node: NodeId) -> bool {
    detector.iter_membership_state().any(|member| member.id().node == node)
}

/// Where members live that seem to be up.
pub(super) fn addresses(detector: &Detector) -> BTreeSet<SocketAddr> {
    detector.iter_members().map(|member| member.id().address).collect()
}

/// A few of the members that it remembers, for a node that sees none of them: chosen at random, so
/// that all have their turn.
pub(super) fn some_lost(detector: &Detector, random: &dyn Random) -> Vec<Identity> {
    let us = detector.identity().node;
    let lost = detector.iter_membership_state().map(|member| *member.id());
    let lost: Vec<_> = lost.filter(|life| life.node != us).collect();
    let start = random.next_u64() % (lost.len().max(1) as u64);
    let start = usize::try_from(start).unwrap_or_default();
    lost.iter().cycle().skip(start).take(lost.len().min(LONELY_TRIES)).copied().collect()
}

/// Who seems to be up, this node among them.
pub(super) fn members(detector: &Detector, adverts: &Adverts, own: Option<Advert>) -> Members {
    let seen = |life: &Identity, state, advert| {
        let (address, incarnation) = (life.address, life.incarnation);
        (life.node, Seen { address, incarnation, state, advert })
    };
    let others = detector.iter_members().map(|member| {
        let state = match member.state() {
            foca::State::Suspect => State::Suspect,
            _ => State::Up,
        };
        seen(member.id(), state, adverts.of(member.id()))
    });
    others.chain([seen(detector.identity(), State::Up, own)]).collect()
}
