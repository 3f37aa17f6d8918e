//! Whatever comes in a datagram: no panic, no lasting harm.

use std::sync::Arc;
use std::time::Duration;

use foca::Header;
use kvs_core::env::SeededRandom;

use super::world::{address, id};
use crate::identity::Incarnation;
use crate::membership::config::Timing;
use crate::membership::datagram::{Envelope, GossipKey};
use crate::membership::gossip::Gossip;
use crate::membership::identity::Identity;

pub(super) fn envelope() -> Envelope {
    Envelope::new("sim", &[GossipKey::derive(b"key")])
}

fn life(n: u8) -> Identity {
    Identity { node: id(n), incarnation: Incarnation(1), address: address(n), renewals: 0 }
}

fn plain() -> Envelope {
    Envelope::new("sim", &[])
}

fn gossip() -> Gossip {
    Gossip::new(life(1), Timing::default(), plain(), Arc::new(SeededRandom::new(1)))
}

/// Feeds a message, and then time.
fn feed(message: &[u8]) {
    let mut gossip = gossip();
    let Some(datagram) = plain().seal(message, &SeededRandom::new(1)) else { return };
    let mut now = Duration::from_secs(1);
    let _ = gossip.receive(now, &datagram, address(9));
    for _ in 0..8 {
        let Some(deadline) = gossip.deadline() else { break };
        now = deadline.max(now);
        gossip.elapse(now);
    }
    assert!(std::iter::from_fn(|| gossip.outgoing()).count() < 1000);
    assert!(gossip.members().contains_key(&id(1)));
}

#[test]
fn fuzz_messages() {
    bolero::check!().with_max_len(1400).for_each(feed);
}

#[test]
fn fuzz_packets_that_begin_well() {
    let messages = [
        foca::Message::<Identity>::Ping(1),
        foca::Message::Feed,
        foca::Message::Gossip,
        foca::Message::Broadcast,
        foca::Message::TurnUndead,
        foca::Message::PingReq { target: life(1), probe_number: 1 },
    ];
    let heads = messages.map(|message| {
        let header = Header { src: life(2), src_incarnation: 0, dst: life(1), message };
        [&[1], postcard::to_stdvec(&header).unwrap().as_slice()].concat()
    });
    bolero::check!().with_max_len(1200).for_each(|rest: &[u8]| {
        for head in &heads {
            feed(&[head, rest].concat());
        }
    });
}
